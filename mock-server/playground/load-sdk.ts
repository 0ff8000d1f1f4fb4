/** Loads a published SDK into the page, unchanged, and says which of its calls we use. */

/** What the versions have in common, and what some lack. */
export type SdkClient = {
  setPrompt(prompt: string, options?: { enhance?: boolean }): Promise<void>;
  /** `null` clears the image; with `prompt: null` the prompt as well. */
  setImage(image: Blob | null, options?: { prompt?: string | null }): Promise<void>;
  /** Since 0.0.43. */
  set?(state: { prompt?: string; image?: Blob; enhance?: boolean }): Promise<void>;
  disconnect(): void;
  on(event: "connectionChange", listener: (state: string) => void): void;
  on(event: "error", listener: (error: unknown) => void): void;
};

export type SdkModel = {
  name: string;
  /** Since 0.1.0 as a camera is asked for it. */
  fps: number | { ideal?: number; max?: number };
  width: number;
  height: number;
};

export type Sdk = {
  models: { realtime(name: string): SdkModel };
  /** Up to 0.0.50 the addresses of sockets, telemetry and logger are passed over. */
  createDecartClient(options: {
    apiKey: string;
    baseUrl: string;
    realtimeBaseUrl: string;
    telemetry: false;
    /** Heard in 0.1.x. */
    logger: Pick<Console, "debug" | "info" | "warn" | "error">;
  }): {
    realtime: {
      connect(
        stream: MediaStream,
        options: {
          model: SdkModel;
          onRemoteStream(stream: MediaStream): void;
          /** Up to 0.0.68. */
          customizeOffer?(offer: RTCSessionDescriptionInit): void;
          /** Since 0.1.2. */
          preferredVideoCodec?: string;
        },
      ): Promise<SdkClient>;
    };
  };
};

/** @throws Error with the server's sentence when the version cannot be had */
export async function loadSdk(version: string): Promise<Sdk> {
  // zod, which SDKs bring along, would try out eval once; the page's content security policy forbids that, loudly.
  Object.assign(globalThis, { __zod_globalConfig: { jitless: true } });
  // livekit-client tells the console of each of its steps, unless its logger finds another level here. A level that a person has
  // set is left alone.
  localStorage["loglevel:livekit"] ??= "WARN";
  const url = `/_lucy/sdk/${version}.js`;
  try {
    return await import(url);
  } catch (error) {
    // A browser keeps what a failed import answered to itself.
    const response = await fetch(url);
    if (response.ok) throw error;
    throw new Error((await response.json()).detail);
  }
}

/**
 * What was just done in this page, in order, for whoever turns it into code. It keeps what was asked for, not what came of it: a
 * call that the server refused was made all the same.
 */

export type Connect = {
  readonly kind: "connect";
  /** Of the SDK, as published. */
  readonly version: string;
  readonly model: string;
  readonly apiKey: string;
  /** As `preferredVideoCodec` or an offer names it; null where the SDK takes its own choice. */
  readonly codec: string | null;
  readonly source: "synthetic" | "camera" | "file";
  /** Of a video file. */
  readonly fileName?: string;
  /** What was sent: pixels, pictures a second. */
  readonly camera: { readonly width: number; readonly height: number; readonly fps: number };
};

export type SentImage = {
  readonly name: string;
  readonly byteLength: number;
  /** Where the server has it, if it is one of its samples. */
  readonly path?: string;
  readonly bytes?: Blob;
};

export type Edit = {
  /** The SDK's call. */
  readonly kind: "set" | "setPrompt" | "setImage";
  /** Absent: not given to the call. Null: cleared. */
  readonly prompt?: string | null;
  readonly image?: SentImage | null;
  readonly enhance?: boolean;
};

export type Deed =
  | Connect
  | Edit
  | { readonly kind: "disconnect" }
  /** `declaration`: as it went to `POST /_lucy/faults`; `id`: as the answer called it; `session`: null for every one. */
  | {
      readonly kind: "fault";
      readonly declaration: unknown;
      readonly session: string | null;
      readonly id?: string;
    }
  /** Null: all of them. */
  | { readonly kind: "heal"; readonly id: string | null }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "end-session"; readonly session: string }
  | { readonly kind: "reset" };

/** More than a person reads; a page that is open for a week stays small. */
const deedsMax = 100;

const deeds: Deed[] = [];
const listeners = new Set<(deeds: readonly Deed[]) => void>();

/** Adds it, and tells whoever listens. Of too many, the oldest that is no connect goes: without that, the rest says nothing. */
export function recordDeed(deed: Deed): void {
  deeds.push(deed);
  if (deeds.length > deedsMax) {
    const oldest = deeds.findIndex(({ kind }) => kind !== "connect");
    deeds.splice(Math.max(0, oldest), 1);
  }
  for (const tell of listeners) tell(deeds);
}

/** Calls at once with what there is, and again after each deed. Returns what ends that. */
export function watchDeeds(tell: (deeds: readonly Deed[]) => void): () => void {
  listeners.add(tell);
  tell(deeds);
  return () => listeners.delete(tell);
}

// Which published client is which: SDKs, their version order, and the era (wire dialect) each version speaks.

/** The official clients, by language. */
export type Sdk = "js" | "python" | "android";

/** `direct`: one peer connection, SDP on the control socket. `livekit`: media in a LiveKit room beside the control socket. */
export type Era = "direct" | "livekit";

/** Versions `from` … `until` of one SDK, both included; `until: null` means up to the newest one read (see {@link NEWEST_READ}). */
export interface SdkRange {
  sdk: Sdk;
  from: string;
  until: string | null;
}

/** The newest version of each SDK that our tables were read from. Documented. */
export const NEWEST_READ: Readonly<Record<Sdk, string>> = {
  js: "0.1.20",
  python: "0.1.4",
  android: "0.7.10",
};

/** The first version of each SDK that speaks LiveKit; everything older is direct. Documented: the SDKs' tagged sources. */
export const FIRST_LIVEKIT_VERSION: Readonly<Record<Sdk, string>> = {
  js: "0.1.0",
  python: "0.1.0",
  android: "0.7.0",
};

/** Negative when `a` is older than `b`, 0 when equal, positive when newer. Throws unless both read `major.minor.patch`. */
export function compareVersions(a: string, b: string): number {
  const left = versionParts(a);
  const right = versionParts(b);
  for (const [index, part] of left.entries()) {
    if (part !== right[index]) return part - right[index]!;
  }
  return 0;
}

function versionParts(version: string): number[] {
  if (!/^\d+\.\d+\.\d+$/.test(version)) {
    throw new RangeError(
      `"${version.slice(0, 40)}" is not an SDK version; write three numbers with dots, such as "0.0.46".`,
    );
  }
  return version.split(".").map(Number);
}

/** The dialect that `version` of `sdk` speaks. */
export function eraOf(sdk: Sdk, version: string): Era {
  return compareVersions(version, FIRST_LIVEKIT_VERSION[sdk]) < 0 ? "direct" : "livekit";
}

/** Whether `version` of `sdk` lies in `range`, ends included. */
export function inRange(range: SdkRange, sdk: Sdk, version: string): boolean {
  return (
    range.sdk === sdk &&
    compareVersions(version, range.from) >= 0 &&
    (range.until === null || compareVersions(version, range.until) <= 0)
  );
}

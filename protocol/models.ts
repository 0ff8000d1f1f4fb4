// The realtime models: what each is called, how large and fast it is said to be, and which SDK versions list it. The
// server must still take whatever size the track has: no SDK checks it, and custom ids are allowed since JS 0.0.51.
import { nearest } from "./nearest.ts";
import { type Era, eraOf, NEWEST_READ, type Sdk, type SdkRange } from "./sdk-versions.ts";

/** What a range of SDK versions says about one model; sizes in pixels, `fps` in frames per second. */
export interface ModelListing extends SdkRange {
  fps: number;
  width: number;
  height: number;
  urlPath: string;
}

/** One realtime model; `width` and `height` in pixels, `fps` in frames per second, as an ideal and not a promise. */
export interface RealtimeModel {
  id: string;
  fps: number;
  width: number;
  height: number;
  urlPath: string;
  /** False for a model that is driven by text only. */
  acceptsImage: boolean;
  /** The id that this one is another name for, null when it stands for itself. */
  aliasOf: string | null;
  /** The dialects whose clients list it. */
  eras: readonly Era[];
  /** Every SDK range that lists it, oldest first within an SDK. Documented: the tagged sources and published 0.1.20. */
  listings: readonly ModelListing[];
}

type Listing = readonly [from: string, until: string | null, fps: number, size: Size, urlPath?: string];

type Size = readonly [width: number, height: number];

const WIDE_704: Size = [1280, 704];
const HD_720: Size = [1280, 720];
const SMALL_624: Size = [1088, 624];
// Android 0.7.0 and 0.7.1 said 626; a slip of theirs, kept because it is what they ask the camera for.
const SMALL_626: Size = [1088, 626];

const STREAM = "/v1/stream";

interface Entry {
  js: readonly Listing[];
  python: readonly Listing[];
  android: readonly Listing[];
  aliasOf?: string;
  textOnly?: true;
  /** The size by the product page, where the SDKs say another. */
  pageSize?: Size;
}

const PUBLISHED: Readonly<Record<string, Entry>> = {
  lucy_2_rt: {
    js: [["0.0.41", "0.0.60", 20, HD_720]],
    python: [["0.0.18", "0.0.35", 20, HD_720]],
    android: [["0.1.0", "0.5.0", 20, HD_720]],
    aliasOf: "lucy-2",
    // The product page says 1280×704; every SDK that has the model says 1280×720. We follow the page and list the SDKs.
    pageSize: WIDE_704,
  },
  "lucy-2": {
    js: [["0.0.59", "0.0.60", 20, HD_720]],
    python: [["0.0.33", "0.0.35", 20, HD_720]],
    android: [["0.5.0", "0.5.0", 20, HD_720]],
  },
  "lucy-2.1": {
    js: [
      ["0.0.59", "0.0.68", 20, SMALL_624],
      ["0.1.0", null, 30, SMALL_624],
    ],
    python: [
      ["0.0.33", "0.0.38", 20, SMALL_624],
      ["0.0.39", null, 30, SMALL_624],
    ],
    android: [
      ["0.5.0", "0.6.0", 20, SMALL_624],
      ["0.6.1", "0.6.1", 30, SMALL_624],
      ["0.7.0", "0.7.1", 30, SMALL_626],
      ["0.7.2", null, 30, SMALL_624],
    ],
  },
  "lucy-2.5": {
    js: [
      ["0.1.11", "0.1.12", 20, SMALL_624],
      ["0.1.13", null, 30, HD_720],
    ],
    python: [["0.1.2", null, 30, HD_720]],
    android: [["0.7.7", null, 30, HD_720]],
  },
  "lucy-latest": {
    js: [
      ["0.0.59", "0.0.68", 20, SMALL_624],
      ["0.1.0", null, 30, SMALL_624],
    ],
    python: [
      ["0.0.33", "0.0.38", 20, SMALL_624],
      ["0.0.39", null, 30, SMALL_624],
    ],
    android: [
      ["0.5.0", "0.6.0", 20, SMALL_624],
      ["0.6.1", "0.6.1", 30, SMALL_624],
      ["0.7.0", "0.7.1", 30, SMALL_626],
      ["0.7.2", null, 30, SMALL_624],
    ],
    // The server resolves the three `-latest` names and may move them; the target of the same size is assumed.
    aliasOf: "lucy-2.1",
  },
  lucy_v2v_720p_rt: {
    js: [["0.0.1", "0.0.63", 25, WIDE_704]],
    python: [["0.0.3", "0.0.37", 25, WIDE_704]],
    android: [["0.1.0", "0.5.0", 25, WIDE_704]],
    aliasOf: "lucy",
    // Documented: the product page calls it text only.
    textOnly: true,
  },
  lucy: {
    js: [["0.0.59", "0.0.63", 25, WIDE_704]],
    python: [["0.0.33", "0.0.37", 25, WIDE_704]],
    android: [["0.5.0", "0.5.0", 25, WIDE_704]],
    // Assumed: the SDKs call it the new name of lucy_v2v_720p_rt.
    textOnly: true,
  },
  lucy_v2v_14b_rt: {
    js: [
      ["0.0.36", "0.0.39", 15, WIDE_704],
      ["0.0.40", "0.0.40", 20, HD_720],
    ],
    python: [["0.0.17", "0.0.17", 15, WIDE_704]],
    android: [],
  },
  mirage: {
    js: [["0.0.1", "0.0.63", 25, WIDE_704]],
    python: [["0.0.3", "0.0.37", 25, WIDE_704]],
    android: [["0.1.0", "0.5.0", 25, WIDE_704]],
    aliasOf: "lucy-restyle",
  },
  mirage_v2: {
    js: [
      ["0.0.6", "0.0.6", 12, WIDE_704],
      ["0.0.7", "0.0.11", 18, WIDE_704],
      ["0.0.12", "0.0.68", 22, WIDE_704],
      ["0.1.0", "0.1.13", 30, WIDE_704],
    ],
    python: [
      ["0.0.5", "0.0.5", 12, WIDE_704],
      ["0.0.6", "0.0.7", 18, WIDE_704],
      ["0.0.8", "0.0.38", 22, WIDE_704],
      ["0.0.39", "0.1.2", 30, WIDE_704],
    ],
    android: [
      ["0.1.0", "0.6.0", 22, WIDE_704],
      ["0.6.1", "0.7.7", 30, WIDE_704],
    ],
    aliasOf: "lucy-restyle-2",
  },
  "lucy-restyle": {
    js: [["0.0.59", "0.0.63", 25, WIDE_704]],
    python: [["0.0.33", "0.0.37", 25, WIDE_704]],
    android: [["0.5.0", "0.5.0", 25, WIDE_704]],
  },
  "lucy-restyle-2": {
    js: [
      ["0.0.59", "0.0.68", 22, WIDE_704],
      ["0.1.0", null, 30, WIDE_704],
    ],
    python: [
      ["0.0.33", "0.0.38", 22, WIDE_704],
      ["0.0.39", null, 30, WIDE_704],
    ],
    android: [
      ["0.5.0", "0.6.0", 22, WIDE_704],
      ["0.6.1", null, 30, WIDE_704],
    ],
  },
  "lucy-restyle-latest": {
    js: [
      ["0.0.59", "0.0.68", 22, WIDE_704],
      ["0.1.0", null, 30, WIDE_704],
    ],
    python: [
      ["0.0.33", "0.0.38", 22, WIDE_704],
      ["0.0.39", null, 30, WIDE_704],
    ],
    android: [
      ["0.5.0", "0.6.0", 22, WIDE_704],
      ["0.6.1", null, 30, WIDE_704],
    ],
    aliasOf: "lucy-restyle-2",
  },
  "lucy-2.1-vton": {
    js: [
      ["0.0.59", "0.0.68", 20, SMALL_624],
      ["0.1.0", "0.1.9", 30, SMALL_624],
    ],
    python: [
      ["0.0.33", "0.0.38", 20, SMALL_624],
      ["0.0.39", "0.1.0", 30, SMALL_624],
    ],
    android: [
      ["0.5.0", "0.6.0", 20, SMALL_624],
      ["0.6.1", "0.6.1", 30, SMALL_624],
      ["0.7.0", "0.7.1", 30, SMALL_626],
      ["0.7.2", "0.7.5", 30, SMALL_624],
    ],
  },
  "lucy-vton": {
    js: [
      ["0.0.65", "0.0.68", 20, SMALL_624],
      ["0.1.0", "0.1.9", 30, SMALL_624],
    ],
    python: [
      ["0.0.38", "0.0.38", 20, SMALL_624],
      ["0.0.39", "0.1.0", 30, SMALL_624],
    ],
    android: [
      ["0.7.0", "0.7.1", 30, SMALL_626],
      ["0.7.2", "0.7.5", 30, SMALL_624],
    ],
    aliasOf: "lucy-2.1-vton",
  },
  "lucy-vton-2": {
    js: [
      ["0.0.65", "0.0.68", 20, SMALL_624],
      ["0.1.0", null, 30, SMALL_624],
    ],
    python: [
      ["0.0.38", "0.0.38", 20, SMALL_624],
      ["0.0.39", null, 30, SMALL_624],
    ],
    android: [
      ["0.7.0", "0.7.1", 30, SMALL_626],
      ["0.7.2", null, 30, SMALL_624],
    ],
  },
  "lucy-2.1-vton-2": {
    js: [
      ["0.0.65", "0.0.68", 20, SMALL_624],
      ["0.1.0", null, 30, SMALL_624],
    ],
    python: [
      ["0.0.38", "0.0.38", 20, SMALL_624],
      ["0.0.39", null, 30, SMALL_624],
    ],
    android: [
      ["0.7.0", "0.7.1", 30, SMALL_626],
      ["0.7.2", null, 30, SMALL_624],
    ],
    aliasOf: "lucy-vton-2",
  },
  "lucy-vton-3": {
    js: [["0.1.5", null, 30, SMALL_624]],
    python: [["0.0.40", null, 30, SMALL_624]],
    android: [["0.7.4", null, 30, SMALL_624]],
  },
  "lucy-vton-3.5": {
    js: [
      ["0.1.15", "0.1.15", 30, SMALL_624],
      ["0.1.20", null, 30, HD_720],
    ],
    python: [["0.1.3", "0.1.3", 30, SMALL_624]],
    android: [
      ["0.7.8", "0.7.8", 30, SMALL_624],
      ["0.7.10", null, 30, HD_720],
    ],
  },
  "lucy-vton-latest": {
    js: [
      ["0.0.59", "0.0.68", 20, SMALL_624],
      // 0.1.17 to 0.1.19 are neither tagged nor installed; 0.1.16 and 0.1.20 differ.
      ["0.1.0", "0.1.16", 30, SMALL_624],
      ["0.1.20", null, 30, HD_720],
    ],
    python: [
      ["0.0.33", "0.0.38", 20, SMALL_624],
      ["0.0.39", null, 30, SMALL_624],
    ],
    android: [
      ["0.5.0", "0.6.0", 20, SMALL_624],
      ["0.6.1", "0.6.1", 30, SMALL_624],
      ["0.7.0", "0.7.1", 30, SMALL_626],
      ["0.7.2", "0.7.9", 30, SMALL_624],
      ["0.7.10", null, 30, HD_720],
    ],
    aliasOf: "lucy-vton-3.5",
  },
  "avatar-live": {
    js: [["0.0.28", "0.0.30", 25, HD_720, "/v1/avatar-live/stream"]],
    python: [["0.0.16", "0.0.25", 25, HD_720, "/v1/avatar-live/stream"]],
    android: [],
    aliasOf: "live-avatar",
  },
  live_avatar: {
    js: [
      ["0.0.31", "0.0.31", 25, HD_720, "/v1/live_avatar/stream"],
      ["0.0.32", "0.0.63", 25, HD_720],
    ],
    python: [["0.0.26", "0.0.37", 25, HD_720]],
    android: [["0.1.0", "0.5.0", 25, HD_720]],
    aliasOf: "live-avatar",
  },
  "live-avatar": {
    js: [["0.0.59", "0.0.63", 25, HD_720]],
    python: [["0.0.33", "0.0.37", 25, HD_720]],
    android: [["0.5.0", "0.5.0", 25, HD_720]],
  },
};

/** Every realtime model, the current Lucy models first. */
export const REALTIME_MODELS: readonly RealtimeModel[] = Object.entries(PUBLISHED).map(([id, entry]) => {
  const listings = (["js", "python", "android"] as const).flatMap((sdk) =>
    entry[sdk].map((listing) => listingOf(sdk, listing)),
  );
  const newest = listings.findLast((listing) => listing.sdk === "js")!;
  const [width, height] = entry.pageSize ?? [newest.width, newest.height];
  return {
    id,
    fps: newest.fps,
    width,
    height,
    urlPath: newest.urlPath,
    acceptsImage: entry.textOnly !== true,
    aliasOf: entry.aliasOf ?? null,
    eras: (["direct", "livekit"] as const).filter((era) =>
      listings.some(
        ({ sdk, from, until }) => eraOf(sdk, from) === era || eraOf(sdk, until ?? NEWEST_READ[sdk]) === era,
      ),
    ),
    listings,
  };
});

function listingOf(sdk: Sdk, [from, until, fps, [width, height], urlPath = STREAM]: Listing): ModelListing {
  return { sdk, from, until, fps, width, height, urlPath };
}

/** The model of exactly this id, or null; ids are case-sensitive, as the service's are assumed to be. */
export function findModel(id: string): RealtimeModel | null {
  return REALTIME_MODELS.find((model) => model.id === id) ?? null;
}

/** One sentence for a person who asked for a model that does not exist: what they asked for, what there is, the nearest. */
export function unknownModelSentence(id: string): string {
  const ids = REALTIME_MODELS.map((model) => model.id);
  const meant = nearest(id, ids);
  const asked = id.length <= 40 ? JSON.stringify(id) : `${JSON.stringify(id.slice(0, 40))}…`;
  const hint = meant === null ? "" : ` Did you mean "${meant}"?`;
  return `There is no realtime model ${asked}; choose one of ${ids.join(", ")}.${hint}`;
}

import { expect, test } from "vitest";
import { findModel, inRange, REALTIME_MODELS, type Sdk, unknownModelSentence } from "./index.ts";

/** The published tables, id by id, as the SDK of that version lists them. */
const TABLES: readonly [sdk: Sdk, version: string, models: string[]][] = [
  ["js", "0.0.6", ["mirage 25 1280x704", "mirage_v2 12 1280x704", "lucy_v2v_720p_rt 25 1280x704"]],
  [
    "js",
    "0.0.46",
    [
      "mirage 25 1280x704",
      "mirage_v2 22 1280x704",
      "lucy_v2v_720p_rt 25 1280x704",
      "lucy_2_rt 20 1280x720",
      "live_avatar 25 1280x720",
    ],
  ],
  [
    "js",
    "0.1.20",
    [
      "lucy-2.1 30 1088x624",
      "lucy-2.5 30 1280x720",
      "lucy-vton-2 30 1088x624",
      "lucy-vton-3 30 1088x624",
      "lucy-vton-3.5 30 1280x720",
      "lucy-restyle-2 30 1280x704",
      "lucy-latest 30 1088x624",
      "lucy-vton-latest 30 1280x720",
      "lucy-restyle-latest 30 1280x704",
      "lucy-2.1-vton-2 30 1088x624",
    ],
  ],
  [
    "android",
    "0.1.0",
    [
      "mirage 25 1280x704",
      "mirage_v2 22 1280x704",
      "lucy_v2v_720p_rt 25 1280x704",
      "lucy_2_rt 20 1280x720",
      "live_avatar 25 1280x720",
    ],
  ],
  [
    "python",
    "0.1.4",
    [
      "lucy-2.1 30 1088x624",
      "lucy-2.5 30 1280x720",
      "lucy-restyle-2 30 1280x704",
      "lucy-latest 30 1088x624",
      "lucy-vton-latest 30 1088x624",
      "lucy-vton-2 30 1088x624",
      "lucy-vton-3 30 1088x624",
      "lucy-2.1-vton-2 30 1088x624",
      "lucy-restyle-latest 30 1280x704",
    ],
  ],
];

test.each(TABLES)("%s %s lists exactly the models that its source does", (sdk, version, models) => {
  const listed = REALTIME_MODELS.flatMap(({ id, listings }) =>
    listings
      .filter((listing) => inRange(listing, sdk, version))
      .map(({ fps, width, height }) => `${id} ${fps} ${width}x${height}`),
  );
  expect(listed.sort()).toEqual([...models].sort());
});

test("lucy_2_rt has the product page's size, with the SDKs' beside it", () => {
  const model = findModel("lucy_2_rt");
  expect(model).toMatchObject({ fps: 20, width: 1280, height: 704, urlPath: "/v1/stream", eras: ["direct"] });
  for (const listing of model!.listings) expect(listing).toMatchObject({ fps: 20, width: 1280, height: 720 });
});

test.each([
  ["lucy_2_rt", true, ["direct"], "lucy-2"],
  ["lucy_v2v_720p_rt", false, ["direct"], "lucy"],
  ["mirage_v2", true, ["direct", "livekit"], "lucy-restyle-2"],
  ["lucy-latest", true, ["direct", "livekit"], "lucy-2.1"],
  ["lucy-2.5", true, ["livekit"], null],
])("%s: takes an image %s, eras %j, other name of %s", (id, acceptsImage, eras, aliasOf) => {
  expect(findModel(id)).toMatchObject({ acceptsImage, eras, aliasOf });
});

test("every alias stands for a model that exists and is no alias itself", () => {
  for (const { aliasOf } of REALTIME_MODELS) {
    if (aliasOf !== null) expect(findModel(aliasOf)).toMatchObject({ aliasOf: null });
  }
});

test("no two listings of one model claim the same version", () => {
  for (const { listings } of REALTIME_MODELS) {
    for (const listing of listings) {
      const claims = listings.filter((other) => inRange(other, listing.sdk, listing.from));
      expect(claims).toEqual([listing]);
    }
  }
});

test("an unknown id is null, and its sentence lists what exists and the nearest", () => {
  expect(findModel("lucy_2")).toBeNull();
  expect(findModel("constructor")).toBeNull();
  const sentence = unknownModelSentence("lucy_2rt");
  expect(sentence).toMatch(/^There is no realtime model "lucy_2rt"; choose one of lucy_2_rt, lucy-2, /);
  expect(sentence).toMatch(/ Did you mean "lucy_2_rt"\?$/);
  expect(unknownModelSentence("x".repeat(500))).not.toMatch(/x{41}|Did you mean/);
});

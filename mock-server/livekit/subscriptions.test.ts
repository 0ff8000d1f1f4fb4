import { describe, expect, test, vi } from "vitest";
import { manualClock } from "../clock.ts";
import type { ServerContext } from "../context.ts";
import { emptyPlan } from "../faults/_plans.ts";
import { createJournal } from "../journal.ts";
import type { CodecName } from "../media/codec-name.ts";
import type { Section } from "../media/offer.ts";
import type { Peer } from "../media/peer.ts";
import type { Member, RoomTrack } from "./room.ts";
import { createSubscriptions, type SubscriptionsAbout } from "./subscriptions.ts";

/** The connection of our own that is opened next. */
const opening = vi.hoisted(() => ({ peer: null as unknown }));
vi.mock(import("../open-peer.ts"), () => ({ openPeer: async () => opening.peer as Peer }));

type FakeTrack = RoomTrack & { outputs: Set<unknown>; keyCount: number; rates: number[] };

function track(sid: string, codec: CodecName | null = "vp8"): FakeTrack {
  const outputs = new Set<unknown>();
  const fake: FakeTrack = {
    sid,
    kind: codec ? "video" : "audio",
    codec,
    outputs,
    keyCount: 0,
    rates: [],
    infoFor: () => {
      throw new Error("Not asked for here.");
    },
    subscribe(output) {
      outputs.add(output);
      return () => outputs.delete(output);
    },
    requestKey: () => void fake.keyCount++,
    estimate: (rate) => void fake.rates.push(rate),
  };
  return fake;
}

function member(
  identity: string,
  tracks: readonly RoomTrack[],
  allowed = (_track: RoomTrack) => true,
): Member {
  return {
    identity,
    sid: `PA_${identity}`,
    tracks: new Map(tracks.map((track) => [track.sid, track])),
    allows: (_member, track) => allowed(track),
  } as Pick<Member, "identity" | "sid" | "tracks" | "allows"> as Member;
}

/** Knows what it was told, and that `output` was asked of it. */
function fakePeer() {
  const senders: { kind: string; codec: string | null; streamId: string; removed: boolean }[] = [];
  let offered = 0;
  let connected = true;
  const calls: string[] = [];
  return {
    senders,
    calls,
    set isConnected(value: boolean) {
      connected = value;
    },
    get isConnected() {
      return connected;
    },
    output: (mids: object) => ({ mids }),
    openChannel: (label: string) => void calls.push(`channel ${label}`),
    addSender(kind: string, codec: string | null, streamId: string) {
      const index = senders.push({ kind, codec, streamId, removed: false }) - 1;
      return { mid: () => String(index) };
    },
    removeSender(mid: string) {
      senders[Number(mid)]!.removed = true;
    },
    async offer(restart: boolean) {
      calls.push(restart ? "restart" : "offer");
      return `offer ${++offered}`;
    },
    async acceptAnswer(sdp: string) {
      calls.push(sdp);
    },
    async close() {
      calls.push("close");
    },
  };
}

function section(mid: string, some: Partial<Section> = {}): Section {
  const kind = some.kind ?? "video";
  const codecs: CodecName[] = kind === "video" ? ["vp8", "vp9", "h264"] : [];
  return { mid, kind, sends: false, receives: true, codec: null, codecs, trackId: null, ...some };
}

function watcher(others: Member[], some: Partial<SubscriptionsAbout> = {}) {
  const journal = createJournal(manualClock());
  const sent: { case: string; value: object }[] = [];
  const tasks: (() => Promise<void> | void)[] = [];
  const peer = fakePeer();
  const self = member("self", []);
  const subscriptions = createSubscriptions({ journal } as ServerContext, {
    owner: { id: "owner", plan: emptyPlan() },
    twoConnections: false,
    canSubscribe: true,
    autoSubscribe: true,
    takesTrailers: false,
    self: () => self,
    others: () => others,
    send: (message) => void sent.push(message as never),
    events: {} as SubscriptionsAbout["events"],
    later: (task) => void tasks.push(task),
    ...some,
  });
  const offer = (...sections: Section[]) => {
    subscriptions.place(peer as unknown as Peer, sections);
    subscriptions.start();
    subscriptions.askForSections();
    return subscriptions.midToTrackId();
  };
  return {
    subscriptions,
    sent,
    peer,
    journal,
    /** What a client's offer comes to: which section carries which track. */
    offer,
    async plan() {
      subscriptions.plan();
      for (const task of tasks.splice(0)) await task();
    },
    /** Requirements sent since they were last taken, as `[audio, video]`. */
    takeRequirements: () =>
      sent
        .splice(0)
        .map(({ value }) => value as { numAudios: number; numVideos: number })
        .map(({ numAudios, numVideos }) => [numAudios, numVideos]),
  };
}

describe("on one connection, sections are the client's", () => {
  test("each track gets one of its kind, and is sent once the connection stands", async () => {
    const [camera, microphone] = [track("TR_v"), track("TR_a", null)];
    const { offer, plan, peer, subscriptions, takeRequirements } = watcher([
      member("a", [camera, microphone]),
    ]);
    await plan();
    peer.isConnected = false;
    const sections = [
      section("0", { kind: "audio" }),
      section("1", { sends: true }),
      section("2"),
      section("3"),
    ];
    expect(offer(...sections)).toEqual({ 2: "TR_v", 0: "TR_a" });
    expect(subscriptions.streams()).toEqual(
      new Map([
        ["2", "PA_a|TR_v"],
        ["0", "PA_a|TR_a"],
      ]),
    );
    expect([subscriptions.codecOf("2"), subscriptions.codecOf("0"), subscriptions.codecOf("3")]).toEqual([
      "vp8",
      null,
      null,
    ]);
    expect(camera.outputs.size).toBe(0);
    peer.isConnected = true;
    subscriptions.start();
    subscriptions.start();
    expect([...camera.outputs]).toEqual([{ mids: { video: "2" }, takesTrailers: false }]);
    expect([...microphone.outputs]).toEqual([{ mids: { audio: "0" }, takesTrailers: false }]);
    expect(takeRequirements()).toEqual([]);
  });

  test("an offer made again moves nothing", async () => {
    const { offer, plan } = watcher([member("a", [track("TR_1"), track("TR_2")])]);
    await plan();
    const first = offer(section("0"), section("1"), section("2"));
    expect(offer(section("0"), section("1"), section("2"))).toEqual(first);
  });

  test("what is missing is asked for by count, once for each offer", async () => {
    const tracks = [track("TR_1"), track("TR_2"), track("TR_3"), track("TR_a", null)];
    const { offer, plan, takeRequirements } = watcher([member("a", tracks)]);
    await plan();
    // Before the first offer there is nobody to ask.
    expect(takeRequirements()).toEqual([]);
    expect(offer(section("0"))).toEqual({ 0: "TR_1" });
    expect(takeRequirements()).toEqual([[1, 2]]);
    await plan();
    expect(takeRequirements()).toEqual([]);
    expect(offer(section("0"), section("1"), section("2"), section("3", { kind: "audio" }))).toEqual({
      0: "TR_1",
      1: "TR_2",
      2: "TR_3",
      3: "TR_a",
    });
    expect(takeRequirements()).toEqual([]);
  });

  test("a section is not handed from one stream to the next without having been empty", async () => {
    const old = track("TR_old");
    const others = [member("a", [old])];
    const { offer, plan, takeRequirements } = watcher(others);
    await plan();
    offer(section("0"));
    others[0] = member("a", [track("TR_new")]);
    await plan();
    expect(old.outputs.size).toBe(0);
    // It counts as missing while the client has not heard that the section is empty.
    expect(takeRequirements()).toEqual([[0, 1]]);
    expect(offer(section("0"))).toEqual({});
    expect(takeRequirements()).toEqual([[0, 0]]);
    expect(offer(section("0"))).toEqual({ 0: "TR_new" });
  });

  test("a section that the client took away is sent nothing any more; its stream goes out elsewhere", async () => {
    const camera = track("TR_1");
    const { offer, plan } = watcher([member("a", [camera])]);
    await plan();
    offer(section("0"), section("1"));
    expect([...camera.outputs]).toMatchObject([{ mids: { video: "0" } }]);
    expect(offer(section("0", { receives: false }), section("1"))).toEqual({ 1: "TR_1" });
    expect([...camera.outputs]).toMatchObject([{ mids: { video: "1" } }]);
  });

  test("a track whose codec no section has is asked for a few times, then told of, and holds up nobody", async () => {
    const { offer, plan, journal, takeRequirements } = watcher([
      member("a", [track("TR_9", "vp9"), track("TR_8")]),
    ]);
    await plan();
    const noVp9 = (mid: string) => section(mid, { codecs: ["vp8"] });
    for (let index = 0; index < 20; index++) expect(offer(noVp9("0"), noVp9("1"))).toEqual({ 0: "TR_8" });
    expect(takeRequirements()).toHaveLength(8);
    expect(journal.lines).toMatchObject([{ kind: "no-section", fields: { sid: "TR_9", codec: "vp9" } }]);
    expect(offer(noVp9("0"), section("1"))).toEqual({ 0: "TR_8", 1: "TR_9" });
  });
});

describe("who watches what", () => {
  test.each<[string, Partial<SubscriptionsAbout>, (track: RoomTrack) => boolean, object]>([
    ["all there is", {}, () => true, { 0: "TR_1", 1: "TR_2" }],
    ["nothing without the grant", { canSubscribe: false }, () => true, {}],
    ["nothing of itself", { autoSubscribe: false }, () => true, {}],
    ["what its owner allows", {}, ({ sid }) => sid === "TR_2", { 0: "TR_2" }],
  ])("%s", async (_name, about, allowed, placed) => {
    const { offer, plan } = watcher([member("a", [track("TR_1"), track("TR_2")], allowed)], about);
    await plan();
    expect(offer(section("0"), section("1"))).toEqual(placed);
  });

  test.each([true, false])("what is chosen by name counts, autoSubscribe being %s", async (autoSubscribe) => {
    const camera = track("TR_1");
    const { offer, plan, subscriptions } = watcher([member("a", [camera])], { autoSubscribe });
    await plan();
    offer(section("0"));
    expect(camera.outputs.size).toBe(autoSubscribe ? 1 : 0);
    subscriptions.choose(["TR_1", "TR_none"], !autoSubscribe);
    expect(offer(section("0"), section("1"))).toEqual(autoSubscribe ? {} : { 0: "TR_1" });
    expect(camera.outputs.size).toBe(autoSubscribe ? 0 : 1);
    // What was not there is not remembered.
    subscriptions.choose(["TR_1"], autoSubscribe);
    offer(section("0"), section("1"));
    expect(camera.outputs.size).toBe(autoSubscribe ? 1 : 0);
  });

  test("a choice of what is not there is forgotten", async () => {
    const others = [member("a", [])];
    const { offer, plan, subscriptions } = watcher(others, { autoSubscribe: false });
    subscriptions.choose(["TR_1"], true);
    others[0] = member("a", [track("TR_1")]);
    await plan();
    expect(offer(section("0"))).toEqual({});
  });

  test("what is paused is sent nothing and keeps its section", async () => {
    const camera = track("TR_1");
    const { offer, plan, subscriptions } = watcher([member("a", [camera])]);
    await plan();
    offer(section("0"));
    subscriptions.pause(["TR_1", "TR_none"], true);
    expect(camera.outputs.size).toBe(0);
    expect(offer(section("0"))).toEqual({ 0: "TR_1" });
    expect(camera.outputs.size).toBe(0);
    subscriptions.pause(["TR_1"], false);
    expect(camera.outputs.size).toBe(1);
  });

  test("a request for a key picture goes to the section's track, an estimate to all", async () => {
    const tracks = [track("TR_1"), track("TR_2")];
    const { offer, plan, subscriptions } = watcher([member("a", tracks)]);
    await plan();
    offer(section("0"), section("1"));
    subscriptions.requestKey("1");
    subscriptions.requestKey("7");
    subscriptions.estimate(500_000);
    expect(tracks.map(({ keyCount }) => keyCount)).toEqual([0, 1]);
    expect(tracks.map(({ rates }) => rates)).toEqual([[500_000], [500_000]]);
  });

  test("nothing is sent once it is closed", async () => {
    const camera = track("TR_1");
    const { offer, plan, subscriptions, takeRequirements } = watcher([member("a", [camera])]);
    await plan();
    offer(section("0"));
    subscriptions.close();
    expect(camera.outputs.size).toBe(0);
    await plan();
    offer(section("0"));
    expect(camera.outputs.size).toBe(0);
    expect(takeRequirements()).toEqual([]);
  });
});

describe("on two connections, we offer", () => {
  function watchOnTwo(others: Member[]) {
    const own = fakePeer();
    opening.peer = own;
    const watching = watcher(others, { twoConnections: true });
    const { subscriptions, sent } = watching;
    return {
      ...watching,
      own,
      takeOffers: () =>
        sent.splice(0).map(({ value }) => value as { sdp: string; id: number; midToTrackId: object }),
      answer: (id: number, sdp = `answer ${id}`) =>
        subscriptions.acceptAnswer({ type: "answer", sdp, id } as never),
    };
  }

  test("with nothing to watch, a connection with the two channels that clients wait for", async () => {
    const { subscriptions, own, takeOffers } = watchOnTwo([]);
    await subscriptions.begin();
    expect(takeOffers()).toMatchObject([{ sdp: "offer 1", id: 1, midToTrackId: {} }]);
    expect(own.calls).toEqual(["channel _reliable", "channel _lossy", "offer"]);
    expect(subscriptions.ownPeer).toBe(own);
  });

  test("tracks go out once the offer that tells of them is answered", async () => {
    const camera = track("TR_1");
    const { subscriptions, own, takeOffers, answer } = watchOnTwo([
      member("a", [camera, track("TR_a", null)]),
    ]);
    subscriptions.plan();
    await subscriptions.begin();
    expect(takeOffers()).toMatchObject([{ midToTrackId: { 0: "TR_1", 1: "TR_a" } }]);
    expect(own.senders).toMatchObject([
      { kind: "video", codec: "vp8", streamId: "PA_a|TR_1" },
      { kind: "audio", codec: null, streamId: "PA_a|TR_a" },
    ]);
    subscriptions.start();
    expect(camera.outputs.size).toBe(0);
    await answer(1);
    expect([...camera.outputs]).toMatchObject([{ mids: { video: "0" } }]);
    // Nothing has changed since: no other offer.
    expect(takeOffers()).toEqual([]);
  });

  test("changes while an offer waits for its answer are offered together, after it", async () => {
    const others = [member("a", [track("TR_1")])];
    const { subscriptions, plan, own, takeOffers, answer } = watchOnTwo(others);
    subscriptions.plan();
    await subscriptions.begin();
    others.push(member("b", [track("TR_2")]));
    await plan();
    others.push(member("c", [track("TR_3")]));
    await plan();
    expect(takeOffers()).toHaveLength(1);
    await answer(1);
    expect(takeOffers()).toMatchObject([{ id: 2, midToTrackId: { 0: "TR_1", 1: "TR_2", 2: "TR_3" } }]);
    others.shift();
    await plan();
    await answer(2);
    expect(own.senders.map(({ removed }) => removed)).toEqual([true, false, false]);
    expect(takeOffers()).toMatchObject([{ id: 3, midToTrackId: { 1: "TR_2", 2: "TR_3" } }]);
  });

  test.each<[string, number, boolean]>([
    ["its own id", 2, true],
    ["no id, as clients that know none send", 0, true],
    ["the id of an offer that is out of date", 1, false],
    ["an id that was never given", 9, false],
  ])("an answer with %s", async (_name, id, counts) => {
    const others = [member("a", [])];
    const { subscriptions, plan, own, answer } = watchOnTwo(others);
    await subscriptions.begin();
    await answer(1);
    others[0] = member("a", [track("TR_1")]);
    await plan();
    await answer(id, "the answer");
    expect(own.calls.includes("the answer")).toBe(counts);
  });

  test("an answer to nothing is passed over", async () => {
    const { subscriptions, own, answer } = watchOnTwo([]);
    await answer(0);
    await subscriptions.begin();
    await answer(1);
    await answer(1, "again");
    expect(own.calls).toEqual(["channel _reliable", "channel _lossy", "offer", "answer 1"]);
  });

  test("after a resume the same connection is offered with new credentials", async () => {
    const { subscriptions, own, takeOffers, answer } = watchOnTwo([member("a", [track("TR_1")])]);
    subscriptions.plan();
    await subscriptions.restart();
    expect(takeOffers()).toEqual([]);
    await subscriptions.begin();
    await answer(1);
    takeOffers();
    await subscriptions.restart();
    expect(own.calls.at(-1)).toBe("restart");
    expect(takeOffers()).toMatchObject([{ id: 2, midToTrackId: { 0: "TR_1" } }]);
  });

  test("a track that goes before it was offered is not offered", async () => {
    const others = [member("a", [track("TR_1")])];
    const { subscriptions, own, takeOffers } = watchOnTwo(others);
    subscriptions.plan();
    const begun = subscriptions.begin();
    others.pop();
    subscriptions.plan();
    await begun;
    expect(own.senders).toEqual([]);
    expect(takeOffers()).toMatchObject([{ midToTrackId: {} }]);
  });

  test("who has left gets no connection", async () => {
    const { subscriptions, own, takeOffers } = watchOnTwo([]);
    const begun = subscriptions.begin();
    subscriptions.close();
    await begun;
    expect(own.calls).toEqual(["close"]);
    expect(takeOffers()).toEqual([]);
  });
});

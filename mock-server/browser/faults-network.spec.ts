/** What published SDKs in Chromium make of faults of the network: gone for a moment or for long, lossy, narrow, on another path. */
import type { AddedFault } from "../faults/desk.ts";
import type { Declaration } from "../faults/fault.ts";
import { writeMockKey } from "../faults/mock-key.ts";
import type { MockServer } from "../server.ts";
import type { Session } from "../session.ts";
import type { ConnectOptions } from "./harness.ts";
import {
  expect,
  type HarnessPage,
  journalLine,
  newestOfDialect,
  type SdkClient,
  standsForAll,
  test,
} from "./lucy-test.ts";

// Those that were lost are beside those that have come in their place.
test.use({ serverOptions: { sessionsMax: 8 } });

/** What an app hears whose session goes well. */
const states = ["connecting", "connected", "generating"];
/** What it hears of a session that was lost and of the one that took its place. */
const back = [...states, "reconnecting", "connected", "generating"];
/** Several clients of one page share two cores. */
const small = { width: 320, height: 180, fps: 10 };

const linesOf = (lucy: MockServer, kind: string, session?: string) =>
  lucy.journal.lines.filter((line) => line.kind === kind && (!session || line.session === session));

const firedIn = (lucy: MockServer, session: string) =>
  linesOf(lucy, "fault-fired", session).map(({ fields }) => fields.name);

const happened = (lucy: MockServer, kind: string, { id }: AddedFault) =>
  journalLine(lucy, (line) => line.kind === kind && line.fields.fault === id);

type Begun = { client: SdkClient; session: Session };

/** Begins with these faults in its key, and tells its session from those beside it. */
async function begin(
  harness: HarnessPage,
  options: ConnectOptions,
  faults: readonly Declaration[],
): Promise<Begun> {
  const next = harness.lucy.nextSession({ withinMs: 30_000 });
  const client = await harness.begin({ ...small, ...options, apiKey: writeMockKey(faults) });
  return { client, session: await next };
}

for (const version of standsForAll(newestOfDialect)) {
  test(`${version}: a second without a network, loss, jitter, a narrow link, another path: pictures go on in the same session`, async ({
    harness,
    lucy,
  }) => {
    const client = await harness.connect({ version });
    await client.morePictures(5);
    const session = lucy.sessions.at(-1)!;
    const add = (declaration: Declaration): AddedFault =>
      lucy.faults.add(declaration, { session: session.id })[0]!;

    const lost = add({ name: "connection-lost", when: { for: { ms: 1000 } } });
    await happened(lucy, "fault-fired", lost);
    const left = session.frameCount;
    await happened(lucy, "fault-healed", lost);
    expect(session.frameCount - left, "pictures that left meanwhile, of 15").toBeLessThan(5);
    await client.morePictures(5);

    const busy = [
      add({ name: "packet-loss", direction: "both", only: "video", with: { ratio: 0.2, burstLength: 3 } }),
      add({ name: "jitter", direction: "both", with: { maxMs: 30, keepOrder: false } }),
      add({ name: "reorder", channel: "media", only: "video" }),
    ];
    while (busy.some(({ fired }) => fired < 3)) await client.morePictures(3);
    await client.morePictures(10);
    for (const fault of busy) fault.heal();

    const narrow = add({ name: "rate-cap", channel: "ice", with: { kilobitsPerSecond: 1500 } });
    await happened(lucy, "fault-fired", narrow);
    await client.morePictures(10);
    narrow.heal();

    const [before] = await harness.call("pathPorts");
    const moved = add({ name: "path-change" });
    // Chromium keeps to a path for some 3 s after it has fallen silent (observed); until then nothing comes to us.
    await session.frames(20, { withinMs: 20_000 });
    await client.morePictures(10);
    expect(await harness.call("pathPorts")).not.toEqual([before]);

    expect([lost, ...busy, narrow, moved].filter(({ fired }) => fired === 0)).toEqual([]);
    expect(await client.get()).toMatchObject({ states, errors: [], streamCount: 1 });
    expect(linesOf(lucy, "open")).toHaveLength(1);
    expect(session.phase).toBe("generating");
  });
}

test("ssrc-change: nothing is shown until the connection is negotiated anew", async ({ harness, lucy }) => {
  const clients: Begun[] = [];
  for (const version of newestOfDialect) {
    const one = await begin(harness, { version }, [{ name: "ssrc-change", when: { at: "tick:1" } }]);
    await one.client.connected();
    clients.push(one);
  }
  const goThrough = async ({ client, session }: Begun, renew: () => unknown) => {
    await session.until("tick:1");
    // What has left before may still be shown.
    await session.frames(5);
    const { length } = await client.pictures();
    await session.frames(20);
    expect(await client.pictures()).toHaveLength(length);
    await renew();
    await client.morePictures(5);
    expect(firedIn(lucy, session.id)).toContain("ssrc-change");
    expect((await client.get()).states).toEqual(states);
  };
  const [direct, livekit] = clients as [Begun, Begun];
  await Promise.all([
    goThrough(direct, () => lucy.faults.add("unsolicited-ready", { session: direct.session.id })),
    goThrough(livekit, () =>
      lucy.faults.add({ name: "leave", with: { action: "RESUME" } }, { session: livekit.session.id }),
    ),
  ]);
});

test("ice-never heals, no-candidates: each connects in the end", async ({ harness, lucy }) => {
  const faults: Declaration[] = [
    { name: "ice-never", when: { for: { packets: 20 } } },
    { name: "no-candidates" },
  ];
  const each = newestOfDialect.flatMap((version) => faults.map((fault) => ({ version, fault })));
  for (const { version, fault } of each) {
    const { client, session } = await begin(harness, { version }, [fault]);
    await client.connected();
    await client.morePictures(5);
    expect((await client.get()).errors).toEqual([]);
    const kinds = ["fault-fired", "fault-healed", "peer-connected"];
    const told = lucy.journal.lines.filter(
      (line) => line.session === session.id && kinds.includes(line.kind),
    );
    expect(told.map(({ kind }) => kind)).toEqual(
      fault.name === "ice-never" ? kinds : kinds.filter((kind) => kind !== "fault-healed"),
    );
  }
  expect(linesOf(lucy, "open")).toHaveLength(each.length);
  expect(linesOf(lucy, "livekit-leave")).toEqual([]);
});

// Half a minute of waiting: one of the long forms.
if (process.env.LUCY_LONG)
  test("connection-lost for long, dtls-closed: 0.0.46 begins a new session after some 6 s, 0.1.20 comes back to its room after some 15", async ({
    harness,
    lucy,
  }) => {
    const begun: Begun[] = [];
    for (const version of newestOfDialect) {
      // What takes the place of a session is the second connection of its key; 0.1.20 has one only.
      const when = { at: "tick:1", ...(version === "0.0.46" && { connections: 1 }) };
      const lost: Declaration = { name: "connection-lost", when: { ...when, for: { ms: 60_000 } } };
      for (const fault of [lost, { name: "dtls-closed", when }]) {
        const one = await begin(harness, { version }, [fault]);
        await one.client.connected();
        begun.push(one);
      }
    }
    const [directLost, directClosed, roomLost, roomClosed] = begun as [Begun, Begun, Begun, Begun];
    for (const { client, session } of [directLost, directClosed]) {
      await client.untilEvent("connectionChange", back.length);
      await client.morePictures(10);
      expect(await client.get()).toMatchObject({ states: back, errors: [] });
      expect(session.phase).toBe("ended");
      expect(linesOf(lucy, "fault-healed", session.id)).toEqual([]);
    }
    expect(linesOf(lucy, "open")).toHaveLength(6);

    // The first to be lost resumes, the other is told that there is nothing to resume, and joins anew.
    await journalLine(
      lucy,
      ({ kind, session }) => kind === "livekit-reconnect" && session === roomLost.session.id,
    );
    roomLost.session.plan.heal("key-1");
    await roomLost.client.morePictures(10);
    expect(await roomLost.client.get()).toMatchObject({ states, errors: [], streamCount: 1 });

    await harness.call("untilStream", roomClosed.client.id, 2);
    await roomClosed.session.frames(10, { withinMs: 20_000 });
    expect(await roomClosed.client.get()).toMatchObject({
      states,
      errors: [],
      remoteTracks: ["video ended", "video live"],
    });
    expect(linesOf(lucy, "livekit-leave", roomClosed.session.id).map(({ fields }) => fields.action)).toEqual([
      "RECONNECT",
    ]);
    expect(begun.map(({ session }) => firedIn(lucy, session.id))).toEqual([
      ["connection-lost"],
      ["dtls-closed"],
      ["connection-lost"],
      ["dtls-closed"],
    ]);
    expect(linesOf(lucy, "open")).toHaveLength(6);
  });

import type { Declaration } from "../faults/fault.ts";
import { writeMockKey } from "../faults/mock-key.ts";
import type { MockServer } from "../server.ts";
import { expect, journalLine, test } from "./lucy-test.ts";

const version = "0.1.20";
/** What an app hears whose session goes well. */
const states = ["connecting", "connected", "generating"];

const keyOf = (...faults: Declaration[]) => ({ version, apiKey: writeMockKey(faults) });

function linesOf(lucy: MockServer, kind: string) {
  return lucy.journal.lines.filter((line) => line.kind === kind);
}

const firedIn = (lucy: MockServer) =>
  linesOf(lucy, "fault-fired").map(({ fields }) => `${fields.name} ${fields.on}`);

test("refuse-token: the SDK stops at once, and says why", async ({ harness, lucy }) => {
  await expect(harness.connect(keyOf({ name: "refuse-token" }))).rejects.toThrow(/unauthorized/);
  // Any other text is tried six times.
  expect(linesOf(lucy, "open")).toHaveLength(1);
  expect(firedIn(lucy)).toEqual(["refuse-token upgrade", "refuse-token validate"]);
  const { fields } = await journalLine(lucy, ({ fields }) => fields.path === "/rtc/v1/validate");
  expect(fields.status).toBe(401);
});

for (const { name, faults } of [
  {
    name: "leave RECONNECT",
    faults: [{ name: "leave", with: { action: "RECONNECT" }, when: { at: "tick" } }],
  },
  {
    name: "drop-socket and refuse-resume",
    faults: [{ name: "drop-socket", channel: "livekit", when: { at: "tick" } }, { name: "refuse-resume" }],
  },
] as { name: string; faults: Declaration[] }[]) {
  test(`${name}: the client joins anew, and its app keeps its state`, async ({ harness, lucy }) => {
    const client = await harness.connect(keyOf(...faults));
    await journalLine(lucy, () => linesOf(lucy, "track-published").length === 2);
    await harness.call("untilStream", client.id, 2);
    expect(firedIn(lucy)).toEqual(
      faults.map(({ name }) => `${name} ${name === "refuse-resume" ? "resume" : "strike"}`),
    );
    expect(linesOf(lucy, "livekit-leave")[0]!.fields).toMatchObject({ action: "RECONNECT" });
    expect(linesOf(lucy, "left-room").map(({ fields }) => fields.reason)).toEqual(["duplicate identity"]);
    const seen = await client.get();
    expect(seen).toMatchObject({ states, errors: [], remoteTracks: ["video ended", "video live"] });
    expect(linesOf(lucy, "open")).toHaveLength(1);
  });
}

test("leave DISCONNECT: a new session, and the camera is stopped", async ({ harness, lucy }) => {
  const client = await harness.connect(keyOf({ name: "leave", when: { at: "tick", connections: 1 } }));
  await journalLine(lucy, () => linesOf(lucy, "track-published").length === 2);
  await client.untilState("connected");
  const seen = await client.get();
  expect(seen.states).toEqual([...states, "reconnecting", "connected"]);
  // Its own doing: the room's client stops what it published when it disconnects (observed).
  expect(seen.cameraTracks).toEqual(["video ended"]);
  expect(firedIn(lucy)).toEqual(["leave strike"]);
});

test("withhold-answer: it goes on connecting until the answers come", async ({ harness, lucy }) => {
  const [fault] = lucy.faults.add({ name: "withhold-answer" });
  const client = await harness.begin({ version });
  await journalLine(lucy, () => firedIn(lucy).length > 0);
  expect(linesOf(lucy, "livekit-answer")).toEqual([]);
  expect((await client.get()).liveStates).toEqual(["connecting"]);
  fault!.heal();
  await client.connected();
  await client.morePictures(5);
  expect((await client.get()).states).toEqual(states);
});

test("late-update: it counts as generating, and never gets a stream", async ({ harness, lucy }) => {
  const client = await harness.connect(keyOf({ name: "late-update" }));
  await client.untilEvent("generationTick", 3);
  expect(linesOf(lucy, "livekit-update")).toHaveLength(1);
  const seen = await client.get();
  expect(seen).toMatchObject({ states, streamCount: 0, errors: [] });
  expect(lucy.sessions[0]!.plan.reached.get("first-frame")).toBe(1);
});

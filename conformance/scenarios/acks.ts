/** Acks: each call ends with its own, whatever comes before, between, late, twice, changed or not at all. */
import type { Declaration } from "../../mock-server/index.ts";
import { endOf, holds, rejects, resolves, same } from "../findings.ts";
import type { Reading } from "../recording.ts";
import { goesOn, rejectsAsTold, staysConnected } from "../rules.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import { connectWhole, faultFired, imageOf, outwait, passTime, stopTime } from "../steps.ts";

/** With an image, so that it is a set_image: its ack carries nothing that tells whose it is. */
const whole = (prompt: string) => ({ prompt, image: imageOf("face-small") });

/** The longest that a call may wait for an ack, milliseconds: what SDKs give an image; a prompt has 15 s. */
const ackMsMax = 30_000;
const outwaitMs = ackMsMax + 1000;

/** With an image that the server refuses, and so all of it. */
const refused = { prompt: "refused", image: imageOf("cut-off-png") };
/** Prompts with this word are refused. */
const refusing: Declaration = { name: "moderation", with: { word: "refused" } };
/** Says nothing of a call, and nothing that lasts. */
const passingError = "Something went wrong for a moment.";
/** Acks wait for the server's clock, a second from when they were made. */
const holding = (only: string): Declaration => ({
  name: "delay",
  channel: "control",
  only,
  with: { delayMs: 1000 },
  when: { at: "connected" },
});

const callOf = ({ calls }: Reading, prompt: string) => calls.find(({ args }) => args.prompt === prompt);
const takes = (reading: Reading, prompt: string) =>
  resolves(`setting "${prompt}", which the server took, resolves`, callOf(reading, prompt));
const sends = ({ sentStates }: Reading, prompt: string) =>
  holds(
    `"${prompt}" is sent`,
    sentStates().some(({ fields }) => fields.prompt === prompt),
    "a message",
    "none came",
  );

const apart = { kind: "assumed", where: "a call tells its app what became of what it asked for" } as const;

/** Begins it, and once the server has it lets the client's time pass until it has ended. */
async function callAndOutwait(
  { client, line }: Stage,
  verb: "set" | "setPrompt",
  args: { prompt: string; image?: string },
): Promise<void> {
  const call = client.begin(verb, args);
  await line(`"${args.prompt}"`, ({ kind, fields }) => kind === "state" && fields.prompt === args.prompt);
  await outwait(client, call, outwaitMs);
}

/** Begins both, lets their acks come only once both are made, and waits until both calls have ended. */
async function bothInFlight(
  stage: Stage,
  holdingFault: number,
  calls: readonly ["set" | "setPrompt", { prompt: string; image?: string }][],
): Promise<void> {
  const { client, server } = stage;
  await connectWhole(stage);
  const begun = calls.map(([verb, args]) => client.begin(verb, args));
  await faultFired(stage, holdingFault, calls.length);
  await server.clock.advance(1000);
  for (const call of begun) await call.done();
}

export const acks: readonly Scenario[] = [
  defineScenario({
    id: "acks/missing",
    does: "The first set_image_ack there is never comes; the app sets one thing, and another.",
    owes: "A call without an ack ends within 30 s; each that was acked resolves.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.42 to 0.1.20: 30 s" },
    needs: ["media", "set", "acks", "clock", "open"],
    kills: ["waits-for-ever-for-acks"],
    faults: [{ name: "missing-ack", only: "set_image_ack" }],
    async drive(stage) {
      const { client } = stage;
      await connectWhole(stage);
      await stopTime(client);
      const first = client.begin("set", whole("first"));
      await faultFired(stage, 1);
      await outwait(client, first, outwaitMs);
      await callAndOutwait(stage, "set", whole("second"));
    },
    judge: (reading) => {
      // What a client says by itself at the beginning is acked, too.
      const [lost] = reading.lines("fault-fired");
      const isItsOwn =
        lost !== undefined && lost.step > (reading.call("set", 1)?.step ?? Number.POSITIVE_INFINITY);
      return [
        ...(isItsOwn
          ? rejects("the call without an ack rejects", reading.call("set", 1))
          : resolves("the first call, which was acked, resolves", reading.call("set", 1))),
        ...goesOn(reading, "second"),
      ];
    },
  }),
  defineScenario({
    id: "acks/missing-prompt",
    does: "The ack of a prompt never comes; the app sets another.",
    owes: "The call ends within 30 s, and the next resolves.",
    source: { kind: "observed", where: "@decartai/sdk 0.0.19 to 0.1.20: 15 s" },
    needs: ["media", "set-prompt", "acks", "clock", "open"],
    kills: ["waits-for-ever-for-acks"],
    faults: [{ name: "missing-ack", only: "prompt_ack" }],
    async drive(stage) {
      const { client } = stage;
      await connectWhole(stage);
      await stopTime(client);
      const first = client.begin("setPrompt", { prompt: "first" });
      await faultFired(stage, 1);
      await outwait(client, first, outwaitMs);
      await callAndOutwait(stage, "setPrompt", { prompt: "second" });
    },
    judge: (reading) => [
      ...rejects("the call without an ack rejects", reading.call("setPrompt", 1)),
      ...goesOn(reading, "second"),
    ],
  }),
  defineScenario({
    id: "acks/late",
    does: "An ack comes when its call has long ended, and another call waits that the server refused.",
    owes: "The call that waits ends with its own ack.",
    source: apart,
    needs: ["media", "set", "acks", "clock", "open"],
    kills: ["forgets-late-acks"],
    server: { clock: "manual" },
    faults: [
      { name: "late-ack", only: "set_image_ack", with: { delayMs: 20_000 }, when: { at: "connected" } },
      { name: "late-ack", only: "set_image_ack", with: { delayMs: 40_000 }, when: { at: "connected" } },
    ],
    async drive(stage) {
      const { client, server } = stage;
      await connectWhole(stage);
      await stopTime(client);
      const first = client.begin("set", whole("first"));
      await faultFired(stage, 1);
      await outwait(client, first, outwaitMs);
      const second = client.begin("set", refused);
      await faultFired(stage, 2);
      await server.clock.advance(20_000);
      await server.clock.advance(20_000);
      await second.done();
    },
    judge: (reading) => rejectsAsTold(reading, "refused"),
  }),
  defineScenario({
    id: "acks/double",
    does: "An ack comes twice; the next call is refused.",
    owes: "The next call ends with its own ack.",
    source: apart,
    needs: ["media", "set", "acks"],
    kills: ["keeps-acks"],
    faults: [{ name: "double-ack", when: { at: "connected" } }],
    async drive(stage) {
      const { client } = stage;
      await connectWhole(stage);
      await client.call("set", whole("first"));
      await client.call("set", refused);
    },
    judge: (reading) => [
      ...takes(reading, "first"),
      ...sends(reading, "refused"),
      ...rejectsAsTold(reading, "refused"),
    ],
  }),
  defineScenario({
    id: "acks/early-double",
    does: "What it connects with is acked twice before there is any media; the next call is refused.",
    owes: "The next call is sent, and ends with its own ack.",
    source: apart,
    needs: ["set", "acks", "initial-prompt", "initial-image"],
    kills: ["keeps-acks"],
    server: { clock: "manual" },
    faults: (dialect) => [
      { name: "double-ack" },
      ...(dialect === "livekit"
        ? [
            {
              name: "delay",
              channel: "control",
              only: "livekit_room_info",
              with: { delayMs: 1000 },
            } as const,
          ]
        : []),
    ],
    async drive(stage) {
      const { client, server, line } = stage;
      const connecting = client.beginConnect({ initial: whole("initial") });
      if (client.hello.dialect === "livekit") {
        const { fields } = await line("its join", ({ kind }) => kind === "livekit_join");
        await faultFired(stage, 2);
        // Who tells of its state in the join, or right behind it, is acked before it knows its room.
        if ("initial_state" in fields || "passthrough" in fields) await faultFired(stage, 1);
        await server.clock.advance(1000);
      }
      await connecting.done();
      await client.call("set", refused);
    },
    judge: (reading) => [
      ...resolves("connect() resolves", reading.call("connect")),
      ...sends(reading, "refused"),
      ...rejectsAsTold(reading, "refused"),
    ],
  }),
  defineScenario({
    id: "acks/initial-missing",
    does: "The ack of what it connects with never comes, the first time; then the app sets something else.",
    owes: "connect() ends within a minute, and the call with its own ack.",
    source: apart,
    needs: ["set", "acks", "initial-prompt", "initial-image", "clock", "open"],
    kills: ["waits-for-ever-for-acks"],
    faults: [{ name: "missing-ack", when: { connections: 1 } }],
    async drive(stage) {
      const { client } = stage;
      await stopTime(client);
      const connecting = client.beginConnect({ initial: whole("initial") });
      await faultFired(stage, 1);
      // Who does not wait for that ack connects now, who does gives up on it, and tries again.
      await passTime(client, connecting, 1000);
      await outwait(client, connecting, outwaitMs);
      await passTime(client, connecting, 10_000);
      await callAndOutwait(stage, "set", whole("second"));
    },
    judge: (reading) => [
      ...resolves("connect() resolves", reading.call("connect")),
      ...goesOn(reading, "second"),
    ],
  }),
  ...(
    [
      ["concurrent", "the second", ["first", "refused"]],
      ["first-refused", "the first", ["refused", "second"]],
    ] as const
  ).map(([name, which, prompts]) =>
    defineScenario({
      id: `acks/${name}`,
      does: `Two calls wait at once; the server refuses ${which}.`,
      owes: "Each ends with its own ack.",
      source: apart,
      needs: ["media", "set", "acks"],
      kills: ["takes-acks-from-behind"],
      server: { clock: "manual" },
      faults: [holding("set_image_ack")],
      drive: (stage) =>
        bothInFlight(
          stage,
          1,
          prompts.map((prompt) => ["set", prompt === "refused" ? refused : whole(prompt)]),
        ),
      judge: (reading) =>
        prompts.flatMap((prompt) =>
          prompt === "refused" ? rejectsAsTold(reading, prompt) : takes(reading, prompt),
        ),
    }),
  ),
  defineScenario({
    id: "acks/same-prompt-twice",
    does: "Two calls with the same prompt wait at once; the server refuses the second.",
    owes: "Each ends with its own ack: they come in the order of the calls.",
    source: apart,
    needs: ["media", "set-prompt", "acks"],
    kills: ["takes-acks-from-behind"],
    server: { clock: "manual" },
    faults: [
      { name: "negative-ack", when: { at: "connected", after: { messages: 1 } } },
      holding("prompt_ack"),
    ],
    drive: (stage) =>
      bothInFlight(stage, 2, [
        ["setPrompt", { prompt: "twice" }],
        ["setPrompt", { prompt: "twice" }],
      ]),
    judge: ({ call }) => [
      ...resolves("the first, which the server took, resolves", call("setPrompt", 1)),
      ...rejects("the second, which the server refused, rejects", call("setPrompt", 2)),
    ],
  }),
  ...(
    [
      ["reordered", "Two prompts", "setPrompt", { prompt: "first" }],
      ["reordered-kinds", "An image and a prompt", "set", whole("first")],
    ] as const
  ).map(([name, what, verb, args]) =>
    defineScenario({
      id: `acks/${name}`,
      does: `${what} wait for their acks, which come in the other order; the server refused the second.`,
      owes: "Each ends with its own ack: a prompt's carries its text, an image's its kind.",
      source: apart,
      needs: ["media", verb === "set" ? "set" : "set-prompt", "set-prompt", "acks"],
      kills: ["takes-acks-in-order"],
      faults: [refusing, { name: "late-ack", with: { delayMs: 0, acks: 1 }, when: { at: "connected" } }],
      async drive(stage) {
        const { client } = stage;
        await connectWhole(stage);
        const first = client.begin(verb, args);
        const second = client.begin("setPrompt", { prompt: "refused" });
        await second.done();
        await first.done();
      },
      judge: (reading) => [...takes(reading, "first"), ...rejectsAsTold(reading, "refused")],
    }),
  ),
  defineScenario({
    id: "acks/wrong-echo",
    does: "The ack of a prompt repeats another text; the app sets another prompt.",
    owes: "The call ends within 30 s, one way or the other, and the next resolves.",
    source: {
      kind: "observed",
      where: "@decartai/sdk 0.0.19 to 0.1.20: for nobody, and 15 s later the call rejects",
    },
    needs: ["media", "set-prompt", "acks", "clock", "open"],
    kills: ["waits-for-ever-for-acks"],
    faults: [{ name: "wrong-echo", with: { how: "upper" }, when: { times: 1 } }],
    async drive(stage) {
      const { client } = stage;
      await connectWhole(stage);
      await stopTime(client);
      const first = client.begin("setPrompt", { prompt: "first" });
      await faultFired(stage, 1);
      await outwait(client, first, outwaitMs);
      await callAndOutwait(stage, "setPrompt", { prompt: "second" });
    },
    judge: (reading) => {
      const first = callOf(reading, "first");
      return [
        ...holds("the call ends", first !== undefined && first.ended !== null, "it ends", endOf(first)),
        ...goesOn(reading, "second"),
      ];
    },
  }),
  defineScenario({
    id: "acks/error-while-pending",
    does: "The server tells of an error while a call waits; the app makes another, which is refused. Then both acks come.",
    owes: "It tells of the error and stays connected. The first call resolves, or rejects with what the error says; the second ends with its own ack.",
    source: apart,
    needs: ["media", "set", "acks", "errors"],
    kills: ["error-ends-calls"],
    server: { clock: "manual" },
    faults: [
      holding("set_image_ack"),
      {
        name: "server-error",
        with: { error: passingError },
        when: { at: "connected", after: { ms: 500 } },
      },
    ],
    async drive(stage) {
      const { client, server } = stage;
      await connectWhole(stage);
      const first = client.begin("set", whole("first"));
      await faultFired(stage, 1, 1);
      await server.clock.advance(500);
      await client.heard("error");
      const second = client.begin("set", refused);
      await faultFired(stage, 1, 2);
      await server.clock.advance(500);
      await server.clock.advance(500);
      await first.done();
      await second.done();
    },
    judge: (reading) => [
      ...same("it tells of the error", reading.eventsOf("error").length, 1),
      ...staysConnected(reading),
      // An error names no call. Public clients take it for none that waits, or for all, whose apps then know at least why they cannot tell.
      ...(endOf(callOf(reading, "first")).includes(passingError) ? [] : takes(reading, "first")),
      ...rejectsAsTold(reading, "refused"),
    ],
  }),
];

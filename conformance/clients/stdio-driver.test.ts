import { afterEach, expect, test } from "vitest";
import { type ClientEvent, DriverBroken } from "../client.ts";
import { realClock } from "../clock.ts";
import { handClock } from "./_hand-clock.ts";
import { helloMsMax, lineLengthMax, quitMsMax } from "./driver-session.ts";
import { openStdioDriver } from "./stdio-driver.ts";

afterEach(async () => {
  const processes = () => process.getActiveResourcesInfo().filter((name) => name === "ProcessWrap");
  await expect.poll(processes, { interval: 5, timeout: 15_000 }).toEqual([]);
});

/** What each of the small drivers below may use. It answers everything well, but for what a test makes it say. */
const prelude = `
const say = (event) => process.stdout.write(JSON.stringify(event) + "\\n");
const hello = (client = "small 1") => say({ event: "hello", contract: 1, client, dialect: "direct", capabilities: ["set"] });
const answer = (id, more) => say({ event: "result", id, ok: true, ...more });
const listen = (read) => require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line);
  if (request.verb === "quit") process.exit();
  read(request);
});
`;

function open(script: string, clock = realClock) {
  return openStdioDriver({ command: process.execPath, args: ["-e", prelude + script], name: "small", clock });
}

test("a call is answered, events are told, what it writes for people is kept", async () => {
  const driver = await open(`
    hello();
    say({ event: "state", state: "connecting" });
    console.error("one\\ntwo");
    listen(({ id, verb, prompt }) => {
      say({ event: "tick", seconds: 1, more: "is let pass" });
      verb === "set" ? answer(id, { value: { prompt } }) : say({ event: "result", id, ok: false, error: "no" });
    });
  `);
  const told: ClientEvent[] = [];
  driver.follow((event) => told.push(event));
  expect(driver.hello).toMatchObject({ client: "small 1", dialect: "direct", capabilities: ["set"] });
  // Both at once, and text that is no ASCII.
  const calls = [
    driver.request("set", { prompt: "Ünïcödé 😀\n" }),
    driver.request("setPrompt", { prompt: "" }),
  ];
  expect(await Promise.all(calls)).toEqual([
    { event: "result", id: 1, ok: true, value: { prompt: "Ünïcödé 😀\n" } },
    { event: "result", id: 2, ok: false, error: "no" },
  ]);
  const tick = { event: "tick", seconds: 1 };
  expect(told).toEqual([{ event: "state", state: "connecting" }, tick, tick]);
  await driver.close();
  await driver.close();
  expect(driver.log).toEqual(["one", "two"]);
  await expect(driver.request("set", {})).rejects.toThrow("small's driver was asked for set after quit.");
});

test("the last 1000 lines of stderr are kept", async () => {
  const driver = await open(`
    for (let line = 0; line < 1500; line++) console.error(line);
    hello();
    listen(() => {});
  `);
  await driver.close();
  expect(driver.log).toHaveLength(1000);
  expect(driver.log.at(-1)).toBe("1499");
});

test("it reads lines however they are cut, with any end, and skips empty ones", async () => {
  const driver = await open(`
    const line = Buffer.from(JSON.stringify({ event: "hello", contract: 1, client: "ü", dialect: "direct", capabilities: [] }) + "\\r\\n\\n");
    process.stdout.write(line.subarray(0, 42));
    setTimeout(() => process.stdout.write(line.subarray(42)), 5);
    listen(() => {});
  `);
  expect(driver.hello.client).toBe("ü");
  await driver.close();
});

test.each([
  ["dies at once", "process.exit(3)", "small's driver exited with code 3."],
  [
    "dies saying why",
    `throw new Error("no codec")`,
    /^small's driver exited with code 1; it last wrote: .*no codec \| /,
  ],
  ["is killed", `process.kill(process.pid, "SIGKILL")`, "small's driver was ended by SIGKILL."],
  [
    "says no JSON",
    `console.log("Listening …")`,
    "no event of the contract (no JSON): Listening …. What is meant for people goes to stderr.",
  ],
  ["says null", `console.log("null")`, "no event of the contract (Invalid input"],
  [
    "says what is no event",
    `say({ event: "hi" })`,
    `(event: Invalid discriminator value. Expected 'hello' | 'result' | 'state' | 'error' | 'tick' | 'ended' | 'queue' | 'stream' | 'frame' | 'sound'): {"event":"hi"}.`,
  ],
  [
    "speaks another contract",
    `say({ event: "hello", contract: 2, client: "x", dialect: "direct", capabilities: [] })`,
    "(contract: Invalid input: expected 1)",
  ],
  [
    "can what nothing can",
    `say({ event: "hello", contract: 1, client: "x", dialect: "direct", capabilities: ["fly"] })`,
    "(capabilities.0: Invalid option",
  ],
  [
    "tells before hello",
    `say({ event: "tick", seconds: 1 })`,
    'said something before hello: {"event":"tick","seconds":1}.',
  ],
  ["answers before hello", "answer(1)", "said something before hello"],
  [
    "writes one line for ever",
    `const much = "x".repeat(1 << 20); const more = () => process.stdout.write(much, more); more()`,
    `wrote a line of more than ${lineLengthMax} characters: xxxxx`,
  ],
])("one that %s is not opened", async (_what, script, sentence) => {
  const opening = open(script);
  await expect(opening).rejects.toThrow(sentence);
  await expect(opening).rejects.toBeInstanceOf(DriverBroken);
});

test.each([
  ["says hello twice", "hello()", "small's driver said hello twice: {"],
  [
    "answers twice",
    "answer(1); answer(1)",
    'small\'s driver answered request 1 twice: {"event":"result","id":1,"ok":true}.',
  ],
  ["answers what nobody asked", "answer(7)", "small's driver answered request 7, which nobody made: {"],
  [
    "answers without saying how it went",
    `say({ event: "result", id: 1 })`,
    "(ok: Invalid input: expected boolean, received undefined)",
  ],
  ["tells a state that is none", `say({ event: "state", state: "fine" })`, "(state: Invalid option"],
  [
    "prints what it should log",
    `console.log("set " + "x".repeat(999))`,
    `${"x".repeat(196)}…. What is meant for people`,
  ],
  [
    "dies in a call",
    `console.error("panic"); process.exitCode = 9; process.stdin.destroy()`,
    "small's driver exited with code 9; it last wrote: panic.",
  ],
])("one that %s breaks", async (_what, script, sentence) => {
  const driver = await open(`hello(); listen(() => { ${script} });`);
  const call = driver.request("set", { prompt: "x" });
  const broken = await driver.broken;
  expect(broken).toBeInstanceOf(DriverBroken);
  expect(broken.message).toContain(sentence);
  // The call had its answer before a second one came.
  if (!script.startsWith("answer(1)")) await expect(call).rejects.toBe(broken);
  await expect(driver.request("set", {})).rejects.toBe(broken);
  await driver.close();
});

test("one that says nothing is given 15 s", async () => {
  const hand = handClock();
  const opening = open("listen(() => {})", hand.clock);
  hand.fire(helloMsMax);
  await expect(opening).rejects.toThrow("small's driver said no hello within 15000 ms of its start.");
});

test("one that does not hear quit is given 2 s, and that is told", async () => {
  const hand = handClock();
  const driver = await open("hello(); setInterval(() => {}, 1000)", hand.clock);
  const call = driver.request("set", {});
  const closing = driver.close();
  await expect(call).rejects.toThrow("small's driver was asked to quit before it had answered set.");
  hand.fire(quitMsMax);
  await expect(closing).rejects.toThrow(
    "small's driver had not ended 2000 ms after quit, and was ended by force.",
  );
  expect(await driver.broken).toBeInstanceOf(DriverBroken);
});

test("what it says once it was asked to quit is not held against it", async () => {
  const driver = await open(`
    hello();
    process.stdin.on("data", () => process.stdout.write("bye\\n", () => process.exit(5)));
  `);
  await driver.close();
});

test("what it has started ends with it", async () => {
  // The other process holds the driver's output open: that the driver is seen to end, with no timer, says that it has gone.
  const hand = handClock();
  const driver = await open(
    `require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
    hello();
    listen(() => {});`,
    hand.clock,
  );
  await driver.close();
  expect(hand.waiting()).toEqual([]);
});

test("what has left its group does not hold up its end", async () => {
  const driver = await open(
    `const { spawn } = require("node:child_process");
    spawn(process.execPath, ["-e", "setTimeout(() => {}, 1000)"], { stdio: "inherit", detached: true }).unref();
    hello();
    listen(() => {});`,
  );
  await driver.close();
});

test("its folder and environment are as given", async () => {
  const script = `${prelude}hello(process.cwd() + " " + process.env.LUCY_COLOUR); listen(() => {});`;
  const cwd = import.meta.dirname;
  const about = { command: process.execPath, args: ["-e", script], cwd, env: { LUCY_COLOUR: "red" } };
  const driver = await openStdioDriver({ ...about, name: "small", clock: realClock });
  expect(driver.hello.client).toBe(`${cwd} red`.slice(0, 100));
  await driver.close();
});

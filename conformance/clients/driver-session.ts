/**
 * One conversation with a driver, whatever carries its lines: who was asked what, who has answered, what is nonsense. A process's stdio and a
 * WebSocket both end here; this knows neither.
 */
import {
  type ClientEvent,
  type Driver,
  DriverBroken,
  driverEvent,
  type Hello,
  type Result,
  type Verb,
} from "../client.ts";
import type { Clock } from "../clock.ts";

/** How long a driver may take from its start to `hello`. A browser, or Python with its codecs, takes some seconds on a busy machine. */
export const helloMsMax = 15_000;
/** How long it may take to end after `quit`. */
export const quitMsMax = 2_000;
/** A picture of 8192×8192 in base64 is shorter, even where it hardly compresses. Characters. */
export const lineLengthMax = 32 * 1024 * 1024;

/** What carries the lines. */
export type DriverWire = {
  /** Who is driven, for sentences. */
  readonly name: string;
  readonly clock: Clock;
  /** Sends a line, without its end. Never throws, also where nobody is left to hear it. */
  send(text: string): void;
  /** Ends the driver by force; `ended` has to follow. Called at most once. */
  cut(): void;
  /** What the driver writes for people, as long as it writes. */
  readonly log: readonly string[];
};

export type DriverSession = {
  /** Resolves once it has said `hello`. @throws DriverBroken */
  readonly opened: Promise<Driver>;
  /** A line of the driver's, without its end. */
  receive(line: string): void;
  /** Nothing comes any more. `why` goes on after "the driver": `exited with code 1`. */
  ended(why: string): void;
};

type Asked = { verb: Verb; resolve(result: Result): void; reject(error: DriverBroken): void };

export function createDriverSession({ name, clock, send, cut, log }: DriverWire): DriverSession {
  const opened = Promise.withResolvers<Driver>();
  const broken = Promise.withResolvers<DriverBroken>();
  const end = Promise.withResolvers<void>();
  const asked = new Map<number, Asked>();
  const readers = new Set<(event: ClientEvent) => void>();
  /** What it told before anybody followed. */
  const early: ClientEvent[] = [];
  let hello: Hello | null = null;
  let trouble: DriverBroken | null = null;
  let closing: Promise<void> | null = null;
  let isEnded = false;
  let lastId = 0;

  const helloTimer = clock.after(helloMsMax, () =>
    breakWith(`said no hello within ${helloMsMax} ms of its start. Its first line has to be the event hello`),
  );

  function breakWith(what: string): DriverBroken {
    if (trouble) return trouble;
    trouble = new DriverBroken(`${name}'s driver ${what}.`);
    helloTimer.cancel();
    opened.reject(trouble);
    rejectAsked(trouble);
    broken.resolve(trouble);
    if (!isEnded) cut();
    return trouble;
  }

  function rejectAsked(error: DriverBroken): void {
    for (const { reject } of asked.values()) reject(error);
    asked.clear();
  }

  function receive(line: string): void {
    if (trouble || closing || line.trim() === "") return;
    if (line.length > lineLengthMax) {
      breakWith(`wrote a line of more than ${lineLengthMax} characters: ${quoted(line)}`);
      return;
    }
    const { event, why } = parse(line);
    if (!event) {
      breakWith(
        `wrote what is no event of the contract (${why}): ${quoted(line)}. What is meant for people goes to stderr`,
      );
    } else if (event.event === "hello") {
      if (hello) breakWith(`said hello twice: ${quoted(line)}`);
      else greet(event);
    } else if (!hello) {
      breakWith(`said something before hello: ${quoted(line)}`);
    } else if (event.event === "result") {
      settle(event, line);
    } else if (readers.size === 0) {
      early.push(event);
    } else {
      for (const read of [...readers]) read(event);
    }
  }

  function greet(said: Hello): void {
    hello = said;
    helloTimer.cancel();
    opened.resolve({ hello: said, request, follow, log, broken: broken.promise, close });
  }

  function settle(result: Result, line: string): void {
    const call = asked.get(result.id);
    if (!call) {
      const isSecond = result.id >= 1 && result.id <= lastId;
      const what = isSecond
        ? `answered request ${result.id} twice`
        : `answered request ${result.id}, which nobody made`;
      breakWith(`${what}: ${quoted(line)}`);
      return;
    }
    asked.delete(result.id);
    call.resolve(result);
  }

  const request: Driver["request"] = (verb, args) => {
    if (trouble) return Promise.reject(trouble);
    if (closing)
      return Promise.reject(new DriverBroken(`${name}'s driver was asked for ${verb} after quit.`));
    const id = ++lastId;
    return new Promise<Result>((resolve, reject) => {
      asked.set(id, { verb, resolve, reject });
      send(JSON.stringify({ id, verb, ...args }));
    });
  };

  const follow: Driver["follow"] = (read) => {
    readers.add(read);
    for (const event of early.splice(0)) read(event);
    return () => readers.delete(read);
  };

  function close(): Promise<void> {
    closing ??= quit();
    return closing;
  }

  async function quit(): Promise<void> {
    if (trouble || isEnded) return end.promise;
    const verbs = [...asked.values()].map(({ verb }) => verb).join(", ");
    send(JSON.stringify({ id: ++lastId, verb: "quit" }));
    rejectAsked(new DriverBroken(`${name}'s driver was asked to quit before it had answered ${verbs}.`));
    let late: DriverBroken | null = null;
    const timer = clock.after(quitMsMax, () => {
      late = breakWith(`had not ended ${quitMsMax} ms after quit, and was ended by force`);
    });
    await end.promise;
    timer.cancel();
    if (late) throw late;
  }

  function ended(why: string): void {
    if (isEnded) return;
    isEnded = true;
    if (!closing) breakWith(`${why}${lastWords(log)}`);
    end.resolve();
  }

  return { opened: opened.promise, receive, ended };
}

function parse(line: string): ReturnType<typeof parsed> {
  try {
    return parsed(JSON.parse(line));
  } catch {
    return { event: null, why: "no JSON" };
  }
}

function parsed(value: unknown) {
  const { success, data, error } = driverEvent.safeParse(value);
  if (success) return { event: data, why: "" };
  const { path, message } = error.issues[0]!;
  return { event: null, why: path.length > 0 ? `${path.join(".")}: ${message}` : message };
}

const quotedMax = 200;

function quoted(line: string): string {
  return line.length > quotedMax ? `${line.slice(0, quotedMax)}…` : line;
}

/** The end of what it wrote for people: where a driver could not be opened, nobody has the rest. */
function lastWords(log: readonly string[]): string {
  const words = log
    .slice(-20)
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" | ");
  return words === ""
    ? ""
    : `; it last wrote: ${words.length > lastWordsMax ? `…${words.slice(-lastWordsMax)}` : words}`;
}
const lastWordsMax = 400;

/**
 * The HTTP side of a target under a steady rate of requests. The one file that imports autocannon, which sends; what it took is counted in our
 * own histograms, so that its percentiles are made as all others are. What it comes to it does not judge.
 */
import autocannon from "autocannon";
import { readImage } from "../fixtures/index.ts";
import { PATHS } from "../protocol/index.ts";
import { realClock as clock } from "./clock.ts";
import type { Target } from "./generator.ts";
import { createHistogram, type Histogram } from "./histogram.ts";
import { watchHonesty } from "./honesty.ts";
import { openRoom } from "./open-room.ts";

export const httpQuestions = ["health", "tokens", "files", "watch-stream"] as const;
export type HttpQuestion = (typeof httpQuestions)[number];

export type HttpPace = {
  /** Requests a second, over all connections. */
  readonly rate: number;
  readonly seconds: number;
  /** At most `rate`, so that each has a request in a second. */
  readonly connections: number;
};

export type HttpAbout = HttpPace & { readonly target: Target; readonly question: HttpQuestion };

/** An autocannon a connection takes 3 MB, measured with 100 and with 1000 of them. */
export const connectionsMax = 100;

/** @throws Error with a sentence where a connection would have nothing to do */
export function checkPace({ rate, connections }: HttpPace): void {
  if (connections > rate) {
    throw new Error(
      `${connections} connections for ${rate} requests a second: each connection makes at least one a second. Take at most ${rate} connections, or a rate of ${connections}.`,
    );
  }
}

/** Of one request; what waits for longer is told as a trouble. */
const answerSecondsMax = 10;

export type HttpMeasurement = {
  readonly question: HttpQuestion;
  /** From a request to the end of its answer, of those that were answered well; microseconds. */
  readonly latency: Histogram;
  /** Requests whose turn came: `rate` × `seconds`. */
  readonly dueCount: number;
  readonly answeredCount: number;
  /** Answers by status that are not 2xx, and what never was answered. */
  readonly troubles: Readonly<Record<string, number>>;
  /** Share of the time in which our own event loop stood still for longer than `stallMs` at once: what was answered meanwhile was read late. 0…1. */
  readonly eventLoopStalled: number;
};

const stallMs = 10;

/**
 * autocannon sends what is due in a second at once, at its beginning, whichever of its rates is set: ten connections and 50 a second are 50 requests
 * within 15 ms, and then none. So each connection is an autocannon of its own, and they begin evenly spread over the first second: as many
 * connections as requests a second are a steady pace.
 * @throws Error with a sentence where the target cannot be reached, and as `checkPace` does
 */
export async function measureHttp(about: HttpAbout): Promise<HttpMeasurement> {
  const { target, question, rate, seconds, connections } = about;
  checkPace(about);
  const asked = await questionOf(question, target);
  const latency = createHistogram();
  const troubles: Record<string, number> = {};
  let answeredCount = 0;

  async function connect(index: number): Promise<void> {
    await clock.sleep((index * 1000) / connections);
    const share = Math.floor(rate / connections) + (index < rate % connections ? 1 : 0);
    let leftCount = share * seconds;
    const done = Promise.withResolvers<void>();
    const untilMs = clock.now() + seconds * 1000;
    const run = autocannon(
      {
        url: target.url + asked.path,
        method: asked.method,
        headers: { "x-api-key": target.apiKey, ...asked.headers },
        ...(asked.body !== undefined && { body: asked.body }),
        connections: 1,
        overallRate: share,
        maxOverallRequests: leftCount,
        // Who is asked in the last moment may take as long as anybody.
        duration: seconds + answerSecondsMax + 1,
        timeout: answerSecondsMax,
        sampleInt: 250,
        // Its correction assumes a request each millisecond, whatever the rate, and fills the histogram with values nobody measured.
        ignoreCoordinatedOmission: true,
      },
      (error) => (error ? done.reject(error) : done.resolve()),
    );
    const tell = (sentMs: number, count: () => void) => {
      // What a slow answer kept from being sent in its second is not made up for afterwards. Who is refused tries again at once, and for ever.
      if (leftCount > 0 && sentMs < untilMs) {
        leftCount--;
        count();
      }
      if (leftCount === 0 || clock.now() >= untilMs) run.stop();
    };
    const trouble = (name: string) => () => {
      troubles[name] = (troubles[name] ?? 0) + 1;
    };
    run.on("response", (_client, status, _bytes, responseMs) => {
      const answered = () => {
        answeredCount++;
        latency.record(responseMs * 1000);
      };
      tell(
        clock.now() - responseMs,
        status >= 200 && status < 300 ? answered : trouble(`answered with ${status}`),
      );
    });
    run.on("reqError", ({ message }: Error) => {
      // It timed out: it was sent that long ago.
      const waitedMs = message === "request timed out" ? answerSecondsMax * 1000 : 0;
      tell(clock.now() - waitedMs, trouble(message));
    });
    await done.promise;
  }

  // What a server makes ready for the first of its kind is no steady rate's.
  await askOnce(target, asked).catch(() => {});
  const honesty = watchHonesty(clock, { stallMs });
  try {
    await Promise.all(Array.from({ length: connections }, (_, index) => connect(index)));
    const { eventLoopStalled } = honesty.read();
    return { question, latency, dueCount: rate * seconds, answeredCount, troubles, eventLoopStalled };
  } finally {
    honesty.stop();
    await asked.close();
  }
}

/** What it answers is nobody's here: the measurement says so. */
async function askOnce({ url, apiKey }: Target, { method, path, headers, body }: Asked): Promise<void> {
  const signal = AbortSignal.timeout(answerSecondsMax * 1000);
  const answer = await fetch(url + path, {
    method,
    headers: { "x-api-key": apiKey, ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : new Uint8Array(body) }),
    // The key is for this server, and no other that it may name.
    redirect: "manual",
    signal,
  });
  await answer.arrayBuffer();
}

type Asked = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  close(): Promise<void>;
};

async function questionOf(question: HttpQuestion, target: Target): Promise<Asked> {
  const nothing = async () => {};
  switch (question) {
    case "health":
      return { method: "GET", path: "/_lucy/health", headers: {}, close: nothing };
    case "tokens":
      return {
        method: "POST",
        path: PATHS.clientTokens,
        headers: { "content-type": "application/json" },
        body: "{}",
        close: nothing,
      };
    case "files":
      return { method: "POST", path: PATHS.files, ...upload(), close: nothing };
    case "watch-stream": {
      const room = await openRoom(target);
      return {
        method: "POST",
        path: `/watch-stream/${encodeURIComponent(room.name)}`,
        headers: { "content-type": "application/json" },
        close: room.close,
      };
    }
  }
}

const boundary = "lucy-testkit";

/** One reference picture, as the SDK's `files.upload()` sends it. */
function upload(): Pick<Asked, "headers" | "body"> {
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="face.png"\r\ncontent-type: image/png\r\n\r\n`;
  return {
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([
      Buffer.from(head),
      Buffer.from(readImage("face-png")),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
  };
}

/**
 * The HTTP side of a target under a steady rate of requests. The one file that imports autocannon, which sends; what it took is counted in our
 * own histograms, so that it merges and compares as all else does.
 */
import autocannon from "autocannon";
import { readImage } from "../fixtures/index.ts";
import { PATHS } from "../protocol/index.ts";
import type { Target } from "./generator.ts";
import { createHistogram, type Histogram } from "./histogram.ts";
import { openRoom } from "./open-room.ts";

export const httpQuestions = ["health", "tokens", "files", "watch-stream"] as const;
export type HttpQuestion = (typeof httpQuestions)[number];

export type HttpAbout = {
  readonly target: Target;
  readonly question: HttpQuestion;
  /** Requests a second, over all connections. */
  readonly rate: number;
  readonly seconds: number;
  readonly connections: number;
};

export type HttpMeasurement = {
  readonly question: HttpQuestion;
  /** From a request to the end of its answer, of those that were answered well; microseconds. */
  readonly latency: Histogram;
  /** Requests whose turn came: `rate` × `seconds`. */
  readonly dueCount: number;
  readonly answeredCount: number;
  /** Answers by status that are not 2xx, and what never was answered. */
  readonly troubles: Readonly<Record<string, number>>;
};

/** @throws Error with a sentence where the target cannot be reached */
export async function measureHttp(about: HttpAbout): Promise<HttpMeasurement> {
  const { target, question, rate, seconds, connections } = about;
  const asked = await questionOf(question, target);
  const latency = createHistogram();
  const troubles: Record<string, number> = {};
  const add = (name: string) => {
    troubles[name] = (troubles[name] ?? 0) + 1;
  };
  let answeredCount = 0;
  const done = Promise.withResolvers<void>();
  const options: autocannon.Options = {
    url: target.url + asked.path,
    method: asked.method,
    headers: { "x-api-key": target.apiKey, ...asked.headers },
    ...(asked.body !== undefined && { body: asked.body }),
    connections,
    // Fewer requests than connections would leave some without any.
    overallRate: Math.max(rate, connections),
    duration: seconds,
    timeout: 10,
    // Its correction assumes a request each millisecond, whatever the rate, and fills the histogram with values nobody measured.
    ignoreCoordinatedOmission: true,
  };
  const run = autocannon(options, (error) => (error ? done.reject(error) : done.resolve()));
  run.on("response", (_client, statusCode, _bytes, responseMs) => {
    if (statusCode >= 200 && statusCode < 300) {
      answeredCount++;
      latency.record(responseMs * 1000);
    } else add(`answered with ${statusCode}`);
  });
  run.on("reqError", (error: Error) => add(error.message));
  try {
    await done.promise;
  } finally {
    await asked.close();
  }
  return { question, latency, dueCount: rate * seconds, answeredCount, troubles };
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

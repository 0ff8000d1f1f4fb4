/**
 * Rooms of a LiveKit deployment: for each session a process of its own joins one as its inference participant; its pictures are
 * edited here. Coding, congestion and viewers are the deployment's affair; this knows no WebRTC.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { INFERENCE_IDENTITY_PREFIX } from "../../protocol/index.ts";
import type { ServerContext } from "../context.ts";
import { redact } from "../journal.ts";
import type { Pipeline } from "../media/pipeline.ts";
import type { Session } from "../session.ts";
import { mintToken, type RoomKey } from "./access-token.ts";
import { type FromAgent, sendNewest, type ToAgent } from "./agent-messages.ts";
import { clientIdentityOf, keyholes } from "./keyholes.ts";
import type { RoomHome } from "./room-home.ts";

/** How long an agent may take to leave: it tries to enter for as long, when nobody answers. */
const leaveMsMax = 5000;

export function externalHome(context: ServerContext, url: string, key: RoomKey): RoomHome {
  return {
    async open(session, { frameTiming }) {
      const name = session.id;
      if (frameTiming) {
        // rtc-node hands over pictures without what stands behind them, and takes them so.
        const why =
          "in a deployment's room no time stands behind the edited pictures: debugQuality has no sample";
        context.journal.add({ session: name, kind: "no-frame-timing", fields: { why } });
      }
      const client = clientIdentityOf(name);
      const ways = keyholes(context, key, name);
      const token = await mintToken(key, context.clock, {
        identity: `${INFERENCE_IDENTITY_PREFIX}${name}`,
        room: name,
        canPublish: true,
        canSubscribe: true,
        canPublishData: true,
        roomCreate: true,
      });
      const publishes = context.options.mode !== "none";
      const close = await join(context, session, { type: "join", url, token, client, publishes });
      return {
        client: await ways.forClient(url),
        forViewer: () => ways.forViewer(url),
        close,
      };
    },
  };
}

/**
 * Starts an agent and edits what it hands over.
 * @returns how to leave the room; resolves once the agent is gone
 * @throws Error when the room cannot be joined; the session has ended then
 */
async function join(
  context: ServerContext,
  session: Session,
  about: ToAgent & { type: "join" },
): Promise<() => Promise<void>> {
  const { machine, journal, peers } = context;
  const note = (kind: string, fields: Record<string, unknown> = {}) =>
    journal.add({ session: session.id, kind, fields, measured: true });
  // The agent's file has the ending this file has. What runs us (a test's loader) is none of its business.
  const file = new URL(`./room-agent${extname(import.meta.url)}`, import.meta.url);
  const agent = fork(file, {
    serialization: "advanced",
    execArgv: [],
    // rtc-node and libwebrtc say much on both.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    env: { ...process.env, NODE_ENV: "production" },
  });
  const send = (message: ToAgent, sent: () => void = () => {}) => {
    // Its end, which makes this fail, has an event of its own.
    if (agent.connected) agent.send(message, sent);
  };
  const sendPicture = sendNewest<ToAgent>(send);
  const gone = once(agent, "exit").catch(() => {
    // It could not be started, which is told below.
  });
  let pipeline: Pipeline | null = null;
  let pictureCount = 0;
  let hasJoined = false;
  let closing: Promise<void> | undefined;

  async function shut(): Promise<void> {
    send({ type: "leave" });
    const late = machine.after(leaveMsMax, () => agent.kill("SIGKILL"));
    await gone;
    late.cancel();
    peers.delete(close);
    note("agent-gone");
  }
  function close(): Promise<void> {
    closing ??= shut();
    return closing;
  }
  peers.add(close);

  function receivePicture(payload: Uint8Array): void {
    if (!pipeline || session.phase === "ended") return;
    session.connected();
    session.generate();
    const receivedMs = machine.now();
    pipeline.receiveVideo({
      sequenceNumber: pictureCount++ & 0xffff,
      timestamp: Math.round(receivedMs * 90) >>> 0,
      marker: true,
      payload,
      receivedMs,
    });
  }

  function openMedia(): void {
    if (session.phase === "ended") return;
    pipeline = session.openMedia("i420", null, { needsKey() {} });
    pipeline.add({
      sendVideo: ([bytes]) => sendPicture({ type: "picture", bytes: bytes! }),
      sendAudio() {},
    });
  }

  const joined = new Promise<void>((resolve, reject) => {
    const fail = (why: string) => {
      const { url } = about;
      const error = hasJoined
        ? `The LiveKit deployment at ${url} was lost (${redact(why)}). Connect again once it runs.`
        : `The LiveKit deployment at ${url} could not be joined (${redact(why)}). See that it runs, and that --livekit-key and --livekit-secret are its own.`;
      if (!closing) session.end("error", error);
      reject(new Error(error));
    };
    agent.on("message", (message: FromAgent) => {
      if (message.type === "picture") return receivePicture(message.bytes);
      if (message.type === "camera") return openMedia();
      if (message.type === "client-left") {
        // What it still sent is no sign of life.
        pipeline = null;
        return session.disconnected();
      }
      if (message.type === "failed") return fail(message.error);
      if (message.type === "joined") {
        hasJoined = true;
        resolve();
      }
      const { type, ...fields } = message;
      note(`agent-${type}`, fields);
    });
    agent.on("error", ({ message }) => fail(message));
    agent.on("exit", (code, signal) =>
      fail(`the process that stands in its room exited with ${signal ?? `code ${code}`}`),
    );
  });
  send(about);
  try {
    await joined;
    return close;
  } catch (error) {
    await close();
    throw error;
  }
}

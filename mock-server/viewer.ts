/** A socket on `/subscribe/{sid}`: somebody who watches a session of the direct dialect and sends nothing but signalling. */
import { CLOSE_CODES, type ClientMessage } from "../protocol/index.ts";
import type { ServerContext } from "./context.ts";
import type { ControlSocket } from "./control-socket.ts";
import { createOfferedConnection } from "./dialects/offered-connection.ts";
import type { Plan } from "./faults/plan.ts";
import { OfferError, readOffer } from "./media/offer.ts";
import type { Session } from "./session.ts";

/** Viewers of one session; each costs a packet for every packet sent. */
const viewersMax = 16;

/** A place among a session's viewers, or what to say when all are taken. `giveBack` may be called more than once. */
export function takePlace(
  { viewerCounts }: ServerContext,
  sid: string,
): { ok: true; giveBack(): void } | { ok: false; error: string } {
  const count = viewerCounts.get(sid) ?? 0;
  if (count >= viewersMax) {
    return { ok: false, error: `Session ${sid} has ${viewersMax} viewers, which is as many as it may have.` };
  }
  viewerCounts.set(sid, count + 1);
  let taken = true;
  return {
    ok: true,
    giveBack() {
      if (!taken) return;
      taken = false;
      const left = viewerCounts.get(sid)! - 1;
      if (left > 0) viewerCounts.set(sid, left);
      else viewerCounts.delete(sid);
    },
  };
}

export function watch(
  context: ServerContext,
  session: Session,
  { socket, plan }: { socket: ControlSocket; plan: Plan },
  handleLater: (message: ClientMessage) => void,
) {
  let removeOutput: (() => void) | null = null;
  /** The viewer may leave while it waits for pictures. */
  let closed = false;

  const stop = () => {
    removeOutput?.();
    removeOutput = null;
  };
  const connection = createOfferedConnection(context, { id: socket.id, plan }, true, {
    opened: (_offer, self) => ({
      connected() {
        removeOutput = session.addViewer({
          output: self()!.output,
          end: () => socket.close(CLOSE_CODES.normal.code, "the session that was watched has ended"),
        });
      },
      lost: stop,
      video() {},
      audio() {},
      keyRequested: () => session.pipeline?.requestKey(),
      estimated() {},
    }),
    replaced: stop,
  });

  async function answer(sdp: string): Promise<void> {
    plan.reach("offer");
    // Its codec is the publisher's: what is encoded once is sent to all.
    const { codec } = await session.whenMedia();
    if (closed) return;
    if (codec === "i420") {
      throw new OfferError(
        "This session is watched in its LiveKit room only. POST /watch-stream/{room} for a token.",
      );
    }
    const answered = await connection.answer(readOffer(sdp, () => [codec]));
    if (!answered) return;
    plan.reach("before-answer");
    socket.send({ type: "answer", sdp: answered.sdp });
    plan.reach("after-answer");
    for (const candidate of answered.early) handleLater({ type: "ice-candidate", candidate });
  }

  return {
    async handle(message: ClientMessage): Promise<void> {
      if (message.type === "offer") return answer(message.sdp);
      if (message.type === "ice-candidate") return connection.addCandidate(message.candidate);
      throw new OfferError(
        `A viewer sends offer and ice-candidate only, not ${message.type}. Connect to /v1/stream to change the picture.`,
      );
    },
    async close(): Promise<void> {
      closed = true;
      stop();
      await connection.close();
    },
  };
}

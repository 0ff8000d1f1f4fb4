/** What the server and the process that stands in a deployment's room say to each other. Pictures are as `media/i420.ts` has them. */

export type ToAgent =
  /** Once, first. `client`: whose tracks are taken. `publishes`: whether anything goes back. */
  | { type: "join"; url: string; token: string; client: string; publishes: boolean }
  /** An edited picture, to be published. */
  | { type: "picture"; bytes: Uint8Array }
  /** Leave the room and exit. */
  | { type: "leave" };

export type FromAgent =
  | { type: "joined" }
  /** The client publishes a camera, in place of the one before if there was one. */
  | { type: "camera" }
  | { type: "picture"; bytes: Uint8Array }
  | { type: "published"; sid: string; media: "video" | "audio" }
  /** The client has left the room; it may come again. */
  | { type: "client-left" }
  /** It cannot go on, and exits. */
  | { type: "failed"; error: string };

/** Sends the newest only: what still waits for its turn when something newer comes is left out. */
export function sendNewest<Message>(
  send: (message: Message, sent: () => void) => void,
): (message: Message) => void {
  let busy = false;
  let waiting: Message | null = null;

  function pass(message: Message): void {
    if (busy) {
      waiting = message;
      return;
    }
    busy = true;
    send(message, () => {
      busy = false;
      const next = waiting;
      waiting = null;
      if (next !== null) pass(next);
    });
  }

  return pass;
}

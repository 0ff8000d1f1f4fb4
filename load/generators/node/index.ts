/**
 * The generator for many sessions: WebRTC and both dialects' signalling in this process, and pictures that were encoded long ago, so that
 * a session costs packets and nothing else; unless its pictures are read.
 */
import { type Clip, type ClipName, readClip } from "../../../fixtures/index.ts";
import type { Clock } from "../../clock.ts";
import type { Dialect, Generator, LoadSession } from "../../generator.ts";
import { gridsOf } from "./clip-grids.ts";
import type { Connect } from "./connection.ts";
import { connectDirect } from "./direct.ts";
import { connectLivekit } from "./livekit.ts";
import { type PictureReaders, startPictureReaders } from "./picture-readers.ts";
import { openSession } from "./session.ts";

const connects: Record<Dialect, Connect> = { direct: connectDirect, livekit: connectLivekit };

const blindSpots: readonly string[] = [
  "Nothing is encoded: what an encoder adds to a delay, and how it gives way when the network is narrow, is in no figure.",
  "Packets leave at 8 a millisecond: the key picture of vp8-720p30, one in sixty, has 207 kB and takes 20 ms to leave; those of the other clips take 2 ms.",
  "There is no jitter buffer and no display: a picture has come when its last packet has, which is earlier than anybody sees it.",
  "A clip of two seconds is sent over and over: a picture that is told by its strip, and comes later than that, may be taken for a later one.",
  "A path for media that falls silent is given up after 30 s; a browser gives it up sooner.",
  "There are no data channels, no sound, no simulcast and no TURN; a network that lets no UDP through looks like a server that does not answer.",
];

export function createNodeGenerator({ clock }: { readonly clock: Clock }): Generator {
  const clips = new Map<ClipName, Clip>();
  const grids = new Map<ClipName, ReturnType<typeof gridsOf>>();
  /** Those that are being opened, too. */
  const sessions = new Map<AbortController, Promise<LoadSession>>();
  let readers: Promise<PictureReaders> | null = null;

  function clipOf(name: ClipName): Clip {
    const clip = clips.get(name) ?? readClip(name);
    clips.set(name, clip);
    return clip;
  }

  function gridsFor(name: ClipName): ReturnType<typeof gridsOf> {
    const made = grids.get(name) ?? gridsOf(clipOf(name));
    grids.set(name, made);
    return made;
  }

  return {
    name: "node",
    blindSpots,
    now: clock.now,
    open(about, observer, leaving) {
      if (about.readsPictures) readers ??= startPictureReaders();
      const app = new AbortController();
      const forget = () => sessions.delete(app);
      const openAll = async () =>
        openSession({
          about,
          observer,
          clip: clipOf(about.clip),
          clock,
          connect: connects[about.dialect],
          readers: about.readsPictures ? await readers : null,
          grids: about.readsPictures ? await gridsFor(about.clip) : null,
          app,
          closed: forget,
        });
      const opening = openAll();
      sessions.set(app, opening);
      const leave = () => app.abort();
      if (leaving?.aborted) leave();
      leaving?.addEventListener("abort", leave);
      // Once it is open, whoever has it closes it.
      const heedNoMore = () => leaving?.removeEventListener("abort", leave);
      opening.then(heedNoMore, heedNoMore);
      opening.catch(forget);
      return opening;
    },
    async close() {
      const closing = [...sessions].map(async ([app, opening]) => {
        app.abort();
        await (await opening.catch(() => null))?.close();
      });
      await Promise.all(closing);
      // Where they did not start, whoever wanted them was told.
      await (await readers?.catch(() => null))?.close();
      readers = null;
    },
  };
}

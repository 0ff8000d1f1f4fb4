/**
 * What happened in one run of a scenario, in the order in which the harness learned of it: calls, events, lines of the server's journal. Driving
 * only adds to it, judging only reads it once it is finished.
 */
import type { JournalLine } from "../mock-server/index.ts";
import type { ClientEvent, FrameEvent, Hello, StateName, Verb } from "./client.ts";

/** A call of a client. Steps and times are of the whole run; `ended` is null while it has not ended. */
export type Call = {
  /** Who was called: `client`, or the name that the scenario gave it. */
  readonly actor: string;
  readonly verb: Verb;
  readonly args: Readonly<Record<string, unknown>>;
  readonly step: number;
  readonly atMs: number;
  ended: {
    readonly step: number;
    readonly atMs: number;
    readonly ok: boolean;
    readonly value: Readonly<Record<string, unknown>>;
    readonly error: string;
  } | null;
};

export type Heard<E extends ClientEvent = ClientEvent> = E & {
  readonly actor: string;
  readonly step: number;
  readonly atMs: number;
};

export type Line = JournalLine & { readonly step: number };

export type Mark = {
  readonly name: string;
  readonly step: number;
  readonly atMs: number;
  readonly value: unknown;
};

export type Recording = {
  readonly calls: readonly Call[];
  readonly events: readonly Heard[];
  readonly journal: readonly Line[];
  /** What the drive noted. */
  readonly marks: readonly Mark[];
  readonly hellos: Readonly<Record<string, Hello>>;
  /** What the drive waited for in vain; it ended there. */
  readonly stuck: string | null;
};

/** Looks into a recording, for judges. */
export function readRecording(recording: Recording) {
  const { calls, events, journal, marks } = recording;
  const of = (actor: string) => events.filter((event) => event.actor === actor);
  return {
    ...recording,
    /** The nth call of this verb, from 1. */
    call(verb: Verb, n = 1, actor = "client"): Call | undefined {
      return calls.filter((call) => call.verb === verb && call.actor === actor)[n - 1];
    },
    eventsOf<Name extends ClientEvent["event"]>(
      name: Name,
      actor = "client",
    ): Heard<Extract<ClientEvent, { event: Name }>>[] {
      return of(actor).filter((event) => event.event === name) as never;
    },
    states: (actor = "client"): StateName[] =>
      of(actor).flatMap((event) => (event.event === "state" ? [event.state] : [])),
    frames: (actor = "client"): Heard<FrameEvent>[] =>
      of(actor).filter((event) => event.event === "frame") as Heard<FrameEvent>[],
    /** Lines of the journal of this kind. */
    lines: (kind: string | RegExp, direction?: JournalLine["direction"]): Line[] =>
      journal.filter(
        (line) =>
          (typeof kind === "string" ? line.kind === kind : kind.test(line.kind)) &&
          (direction === undefined || line.direction === direction),
      ),
    /** State messages as the client sent them, those bundled in a join included; `session`: of which. */
    sentStates(): {
      kind: string;
      session: string | null;
      step: number;
      fields: Readonly<Record<string, unknown>>;
    }[] {
      return journal.flatMap((line) => {
        const { kind, session, step, fields, direction } = line;
        if (direction !== "to-server") return [];
        if (kind === "prompt" || kind === "set_image") return [{ kind, session, step, fields }];
        const bundled = kind === "livekit_join" ? fields.initial_state : null;
        if (bundled === null || typeof bundled !== "object") return [];
        const state = bundled as Record<string, unknown>;
        return [{ kind: String(state.type), session, step, fields: state }];
      });
    },
    /** Sessions in the order in which they opened; viewers have none of their own. */
    sessions: (): string[] => [
      ...new Set(
        journal
          .filter(({ kind, fields }) => kind === "open" && fields.watches === undefined)
          .map(({ session }) => session!),
      ),
    ],
    mark: (name: string): Mark | undefined => marks.find((mark) => mark.name === name),
  };
}
export type Reading = ReturnType<typeof readRecording>;

/**
 * What the front door shows of a server, in types that know every fault and moment by name: a typing error is the compiler's to find. It adds
 * no line that runs; what comes over HTTP, from files and in keys is checked all the same.
 */
import type { Waiting } from "./expectations.ts";
import type { AddedFault } from "./faults/desk.ts";
import type * as fault from "./faults/fault.ts";
import type { FaultName } from "./faults/index.ts";
import type { MomentText } from "./faults/moments.ts";
import type { MockServerOptions } from "./options.ts";
import type * as server from "./server.ts";
import type * as session from "./session.ts";

export type When = Omit<fault.When, "at"> & {
  /** A moment, `tick:3`. */
  readonly at?: MomentText | undefined;
};

/** A fault, as it is declared in process. */
export type Declaration = Omit<fault.Declaration, "name" | "when"> & {
  readonly name: FaultName;
  readonly when?: When | undefined;
};

/** By its name alone it is the fault as it is without settings. */
type Given = FaultName | Declaration;

/** What a test may know of a session. */
export type Session = Pick<
  session.Session,
  "id" | "model" | "dialect" | "phase" | "state" | "seconds" | "frameCount" | "viewerCount" | "frames" | "end"
> & {
  /** Resolves once this moment has come, or if it has: `connected`, `tick:3`. @throws Error that tells what happened instead */
  until(moment: MomentText, waiting?: Waiting): Promise<number>;
};

export type MockServer = Omit<server.MockServer, "sessions" | "nextSession" | "faults"> & {
  /** Sessions that run, oldest first. */
  readonly sessions: readonly Session[];
  /** Resolves with the next session that begins. @throws Error that tells what happened instead */
  nextSession(waiting?: Waiting): Promise<Session>;
  /** What goes wrong, for whom. */
  readonly faults: {
    /** For all sessions, those to come too, or for the one of this id. @throws FaultError */
    add(given: Given | readonly Given[], about?: { readonly session?: string | undefined }): AddedFault[];
    readonly list: readonly AddedFault[];
    healAll(): void;
  };
};

/**
 * Starts a mock server; resolves when clients can connect.
 * @throws RangeError for an option out of range
 * @throws Error when what the options need is not installed, the port is taken or the address is not this machine's
 */
export type StartMockServer = (given?: Partial<MockServerOptions>) => Promise<MockServer>;

/**
 * The key that declares these faults: for the client's `apiKey`. A text alone is a scenario's name or a fault's.
 * @throws FaultError where it would be longer than 2048 characters, and for what JSON has not
 */
export type WriteMockKey = (given: string | Declaration | readonly Given[]) => string;

/** A client that does what a test says, in this process and without media: for tests of the harness itself. */
import {
  type Capability,
  type Client,
  type ClientEvent,
  capabilityNames,
  contractVersion,
  type Dialect,
  DriverBroken,
  type Result,
  type Verb,
} from "./client.ts";

export type Script = {
  name?: string;
  dialect?: Dialect;
  capabilities?: readonly Capability[];
  /** How each call ends; a function may tell of things first. Without one it resolves. */
  answers?: Partial<
    Record<
      Verb,
      (args: never, tell: (event: ClientEvent) => void) => Partial<Result> | Promise<Partial<Result>>
    >
  >;
  /** It dies when it is asked for this. */
  diesAt?: Verb;
  failsToOpen?: Error;
};

/** `openCount`, `closedCount`: of its drivers. */
export function scriptedClient(script: Script = {}): Client & { openCount: number; closedCount: number } {
  const client = {
    name: script.name ?? "scripted",
    openCount: 0,
    closedCount: 0,
    async open() {
      if (script.failsToOpen) throw script.failsToOpen;
      client.openCount++;
      const readers = new Set<(event: ClientEvent) => void>();
      const broken = Promise.withResolvers<DriverBroken>();
      let ids = 0;
      return {
        hello: {
          event: "hello" as const,
          contract: contractVersion as 1,
          client: "scripted",
          dialect: script.dialect ?? "direct",
          capabilities: [...(script.capabilities ?? capabilityNames)],
        },
        async request(verb: Verb, args: unknown): Promise<Result> {
          if (script.diesAt === verb) {
            const error = new DriverBroken("it died");
            broken.resolve(error);
            throw error;
          }
          const tell = (event: ClientEvent) => {
            for (const read of readers) read(event);
          };
          const answer = await script.answers?.[verb]?.(args as never, tell);
          return { event: "result", id: ++ids, ok: true, ...answer };
        },
        follow(read: (event: ClientEvent) => void) {
          readers.add(read);
          return () => readers.delete(read);
        },
        log: ["started"],
        broken: broken.promise,
        async close() {
          client.closedCount++;
        },
      };
    },
    async close() {},
  };
  return client;
}

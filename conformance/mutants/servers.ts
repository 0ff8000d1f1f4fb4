/** Servers that break a promise, each by faults of the mock: they prove that judges see what a server does, and that a client alone is not to blame. */
import type { Declaration } from "../../mock-server/index.ts";
import type { Scenario } from "../scenario.ts";

export type ServerMutant = {
  readonly name: string;
  readonly about: string;
  readonly faults: readonly Declaration[];
  /** The scenario that has to fail, and what its findings have to say. */
  readonly scenario: Scenario["id"];
  readonly finds: RegExp;
};

export const servers: readonly ServerMutant[] = [
  {
    name: "torn-set",
    about: "The prompt of a set shows before its image.",
    faults: [{ name: "torn-set", with: { first: "prompt", frames: 3 } }],
    scenario: "atomicity/one-set-one-picture",
    finds: /mixes one state's prompt with another's image/,
  },
  {
    name: "torn-set-image-first",
    about: "The image of a set shows before its prompt.",
    faults: [{ name: "torn-set", with: { first: "image", frames: 3 } }],
    scenario: "atomicity/one-set-one-picture",
    finds: /mixes one state's prompt with another's image/,
  },
  {
    name: "torn-set-seen-by-viewers",
    about: "The prompt of a set shows before its image, to viewers too.",
    faults: [{ name: "torn-set", with: { first: "prompt", frames: 5 } }],
    scenario: "atomicity/viewer-sees-the-same",
    finds: /mixes one state's prompt with another's image/,
  },
  {
    name: "stale-frame",
    about: "After some pictures of a change comes one of the state before.",
    faults: [{ name: "stale-frame", with: { afterFrames: 1, frames: 1 } }],
    scenario: "atomicity/many-sets",
    finds: /goes back to an older state/,
  },
  {
    name: "never-applied",
    about: "A change is acked and never shown.",
    faults: [{ name: "never-applied" }],
    scenario: "atomicity/refused-changes-nothing",
    finds: /takes effect soon after its ack|mixes|goes back/,
  },
  {
    name: "applied-but-rejected",
    about: "A change is refused and shown.",
    faults: [{ name: "applied-but-rejected" }],
    scenario: "atomicity/one-set-one-picture",
    finds: /was refused changes nothing/,
  },
  {
    name: "refuses-everything",
    about: "Every change is refused.",
    faults: [{ name: "negative-ack", when: { times: 1000 } }],
    scenario: "state/one-message",
    finds: /resolves/,
  },
  {
    name: "echoes-other-words",
    about: "The ack of a prompt repeats other words.",
    faults: [{ name: "wrong-echo" }],
    scenario: "hostile/unsolicited-ready",
    finds: /resolves/,
  },
  {
    name: "acks-nothing",
    about: "No change is acked.",
    faults: [{ name: "missing-ack", when: { times: 1000 } }],
    scenario: "state/one-message",
    finds: /resolves|end/,
  },
  {
    name: "says-nothing-of-generation",
    about: "The start of generation is never told.",
    faults: [{ name: "no-generation" }],
    scenario: "lifecycle/generating",
    // Who waits for it waits in vain.
    finds: /the drive goes through/,
  },
];

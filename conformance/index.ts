/** The front door: everything another folder may use of conformance. */
export type { Client, Driver } from "./client.ts";
export { conformanceCommand } from "./command.ts";
/** The one guard before anything that is not this machine. */
export {
  creditsPerSecond,
  type Endpoint,
  isLoopback,
  type RemoteBudget,
  RemoteRefused,
  readEndpoint,
} from "./remote-guard.ts";

/** The front door: everything another folder may use of conformance. */
export type { Client, Driver } from "./client.ts";
export { conformanceCommand } from "./command.ts";

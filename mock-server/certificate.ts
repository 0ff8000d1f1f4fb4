/** A certificate made at start, for clients that only speak wss. The one file that imports selfsigned. */
import { generate } from "selfsigned";
import { VENDOR_HOSTS } from "../protocol/index.ts";
import type { Clock } from "./clock.ts";

/** Names the vendor's hosts too: clients before 0.0.51 have theirs fixed and are led here by the browser's resolver rules. */
export async function makeCertificate(clock: Clock, host: string): Promise<{ key: string; cert: string }> {
  const notBeforeDate = new Date(clock.date().getTime() - 60_000);
  const notAfterDate = new Date(notBeforeDate.getTime() + 30 * 24 * 3600 * 1000);
  const names = [...VENDOR_HOSTS, "localhost"].map((value) => ({ type: 2 as const, value }));
  const addresses = ["127.0.0.1", ...(/^\d+\./.test(host) ? [host] : [])].map((ip) => ({
    type: 7 as const,
    ip,
  }));
  const { private: key, cert } = await generate([{ name: "commonName", value: "lucy-testkit" }], {
    keyType: "ec",
    notBeforeDate,
    notAfterDate,
    extensions: [{ name: "subjectAltName", altNames: [...names, ...addresses] }],
  });
  return { key, cert };
}

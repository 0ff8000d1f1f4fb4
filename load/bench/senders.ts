/** A child process of the bench: so many senders of one clip against one server, for so long; prints what it saw as JSON. */
import { type ClipName, readClip } from "../../fixtures/index.ts";
import { realClock as clock } from "../clock.ts";
import { connectSender } from "../peer.ts";

const [realtimeUrl, clipName, count, warmUpMs, measureMs, waitForPictures] = process.argv.slice(2);
const clip = readClip(clipName as ClipName);
const senders = [];
const about = { realtimeUrl: realtimeUrl!, clip, clock, waitForPictures: waitForPictures === "true" };
for (let i = 0; i < Number(count); i++) senders.push(await connectSender(about));
await clock.sleep(Number(warmUpMs));
for (const sender of senders) {
  sender.takeReceived();
  sender.takeLate();
}
process.stdout.write(`${JSON.stringify({ measuring: true })}\n`);
const startedMs = clock.now();
const cpuStart = process.cpuUsage();
await clock.sleep(Number(measureMs));
const seconds = (clock.now() - startedMs) / 1000;
const cpu = process.cpuUsage(cpuStart);
process.stdout.write(
  `${JSON.stringify({
    fps: senders.map((sender) => sender.takeReceived() / seconds),
    late: senders.map((sender) => sender.takeLate()),
    cpuCores: (cpu.user + cpu.system) / 1e6 / seconds,
  })}\n`,
);
// The server is asked about its sessions before they go.
await new Promise((resolve) => process.stdin.once("data", resolve));
await Promise.all(senders.map((sender) => sender.close()));
process.exit(0);

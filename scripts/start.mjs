// `npm start`: packages if they are missing, then the mock server. Arguments go to it: npm start -- --port 0
import { spawn } from "node:child_process";
import { installPackages, node, root } from "./setup.mjs";

installPackages();
const server = spawn(node, ["cli.ts", "mock", ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
// A terminal sends Ctrl-C to both of us; forwarding it would count as the second, which means "now".
process.on("SIGINT", () => process.stdin.isTTY || server.kill("SIGINT"));
process.on("SIGTERM", () => server.kill("SIGTERM"));
// npm hands a signal to its shell, which dies and tells nobody: a parent that changes means that we were asked to stop.
const parent = process.ppid;
setInterval(() => process.ppid === parent || server.kill("SIGTERM"), 200).unref();
server.on("exit", (code) => process.exit(code ?? 1));

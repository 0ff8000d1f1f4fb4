// `npm start`: packages if they are missing, then the mock server. Arguments go to it: npm start -- --port 0
import { spawn } from "node:child_process";
import { installPackages, node, root } from "./setup.mjs";

installPackages();
const server = spawn(node, ["cli.ts", "mock", ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
// A terminal sends Ctrl-C to both of us; forwarding it would count as the second, which means "now".
process.on("SIGINT", () => process.stdin.isTTY || server.kill("SIGINT"));
process.on("SIGTERM", () => server.kill("SIGTERM"));
server.on("exit", (code) => process.exit(code ?? 1));

/**
 * `npm run pictures`: takes the pictures that README and docs/ show anew, each of the thing itself: the playground with a prompt and an image in
 * force, an HTML report in which a client fails, and what a command prints. Nothing but this machine is reached.
 *
 *   npm run pictures -- --only conformance --to docs/pictures
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { type Browser, chromium, type Page } from "playwright-core";
import sharp from "sharp";
import { chromiumFlags, findChromium } from "../fixtures/browser/find-chromium.ts";
import { terminalPicture } from "./terminal-picture.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "cli.ts");
const width = 1280;
/** A README is read over a phone's network, too. */
const bytesMax = 300_000;

const takes: Readonly<Record<string, (to: string) => Promise<void>>> = { playground, report, conformance };
const { values } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(takes).join(",") },
    to: { type: "string", default: join(root, "docs/pictures") },
    /** What is judged for the picture of a terminal; a test has less to do. */
    clients: { type: "string", default: "sdk@0.1.20" },
    scenarios: { type: "string", default: "atomicity,acks,restore,ticks" },
  },
});
const wanted = values.only.split(",");
const unknown = wanted.filter((name) => !(name in takes));
if (unknown.length > 0) {
  console.error(`There is no picture ${unknown.join(", ")}. There are ${Object.keys(takes).join(", ")}.`);
  process.exit(1);
}
const to = resolve(values.to);
mkdirSync(to, { recursive: true });
for (const name of wanted) await takes[name]!(to);

/** The page at `/`, in both themes, with a published SDK connected. */
async function playground(to: string): Promise<void> {
  const server = spawn(process.execPath, [cli, "mock", "--port", "0", "--until-stdin-ends"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  const url = await new Promise<string>((resolve, reject) => {
    server.once("close", () => reject(new Error(`The mock server is gone. It said:\n${said}`)));
    server.stdout.on("data", (text) => {
      said += text;
      const found = /Open +(http:\/\/\S+?)\/\s/.exec(said)?.[1];
      if (found) resolve(found);
    });
  });
  try {
    await inBrowser(async (browser) => {
      for (const colorScheme of ["light", "dark"] as const) {
        const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } });
        await page.goto(url);
        await page.getByRole("button", { name: "Connect", exact: true }).click();
        const prompt = page.getByRole("textbox", { name: "Prompt", exact: true });
        await prompt.fill("sepia, a knight in the rain");
        await prompt.press("Enter");
        await page.getByRole("button", { name: "A face with a hat, PNG" }).click();
        await revision(url, 2);
        // What is plotted needs some seconds to look like something.
        await page.waitForTimeout(6000);
        await page.mouse.move(0, 0);
        await page.evaluate("window.scrollTo(0, 0)");
        await save(await page.screenshot(), join(to, `playground-${colorScheme}.png`));
        if (colorScheme === "light") await serverPart(page, url, to);
        await page.getByRole("button", { name: "Disconnect", exact: true }).click();
        await page.close();
      }
    });
  } finally {
    server.stdin.end();
    await once(server, "close");
  }
}

/** The page's lower part, with a fault in force. */
async function serverPart(page: Page, url: string, to: string): Promise<void> {
  const body = JSON.stringify({ name: "packet-loss", with: { ratio: 0.02 } });
  await fetch(`${url}/_lucy/faults`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
  });
  await page.waitForTimeout(3000);
  await page.setViewportSize({ width, height: 1100 });
  const top = await page
    .getByRole("heading", { name: "The server", exact: true })
    .evaluate((heading: { getBoundingClientRect(): { top: number } }) => heading.getBoundingClientRect().top);
  await page.mouse.wheel(0, top - 16);
  await page.waitForTimeout(1000);
  await save(await page.screenshot(), join(to, "playground-server.png"));
}

/** Waits until some session has shown pictures of that revision. */
async function revision(url: string, wanted: number): Promise<void> {
  const lines = await fetch(`${url}/_lucy/journal?live=1&kind=shown`, {
    headers: { accept: "text/event-stream" },
    signal: AbortSignal.timeout(30_000),
  });
  const found = new RegExp(`"revision":${wanted}\\b`);
  for await (const text of lines.body!.pipeThrough(new TextDecoderStream())) if (found.test(text)) return;
}

/**
 * One client as it is, and once more with a key that makes the server tear its sets apart: what comes is wrong, and the pictures prove it. That client
 * is the one in Python, as it can be started by a command.
 */
async function report(to: string): Promise<void> {
  const python = process.env.LUCY_PYTHON ?? "python3";
  const command = [python, "-u", join(root, "conformance/clients/aiortc/driver.py")];
  await inFolder(async (folder) => {
    writeFileSync(join(folder, "torn-driver.mjs"), tornDriver(command));
    const args = ["--client", "aiortc,command", "--client-command", "node torn-driver.mjs", "--no-baseline"];
    await judged([...args, "--only", "atomicity", "--html", "report.html"], folder);
    await inBrowser(async (browser) => {
      const page = await browser.newPage({ colorScheme: "light", viewport: { width, height: 1240 } });
      await page.goto(pathToFileURL(join(folder, "report.html")).href);
      await save(await page.screenshot(), join(to, "report.png"));
    });
  });
}

/** Passes all on to the driver that this command starts, and puts the fault into each key. */
function tornDriver([command, ...args]: readonly string[]): string {
  return `import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const driver = spawn(${JSON.stringify(command)}, ${JSON.stringify(args)}, { stdio: ["pipe", "inherit", "inherit"] });
driver.once("error", (error) => console.error(error.message));
driver.once("close", (code) => process.exit(code ?? 1));
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (request.verb === "connect") request.apiKey = "mock:torn-set";
  driver.stdin.write(JSON.stringify(request) + "\\n");
}
driver.stdin.end();
`;
}

/** What a person sees at a terminal. */
async function conformance(to: string): Promise<void> {
  const args = ["--client", values.clients, "--only", values.scenarios];
  await inFolder(async (folder) => {
    const output = await judged(args, folder);
    const picture = terminalPicture(`node cli.ts conformance ${args.join(" ")}`, output);
    keep(join(to, "conformance.svg"), Buffer.from(picture));
  });
}

/** What it prints where a terminal has colours. */
async function judged(args: readonly string[], cwd: string): Promise<string> {
  const asTerminal =
    "data:text/javascript,Object.assign(process.stdout,{isTTY:true,hasColors:()=>true,columns:100})";
  const child = spawn(process.execPath, ["--import", asTerminal, cli, "conformance", ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (text) => (output += text));
  child.stderr.on("data", (text) => (errors += text));
  const [code] = await once(child, "close");
  if (code > 1)
    throw new Error(`lucy-testkit conformance ${args.join(" ")} ended with ${code}:\n${output}${errors}`);
  return output;
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lucy-pictures-"));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function inBrowser(run: (browser: Browser) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: [...chromiumFlags] });
  try {
    await run(browser);
  } finally {
    await browser.close();
  }
}

/** In as few colours as it takes. */
async function save(screenshot: Awaited<ReturnType<Page["screenshot"]>>, path: string): Promise<void> {
  for (const colours of [256, 128, 64, 32]) {
    const png = await sharp(screenshot).png({ palette: true, colours, effort: 10, dither: 0.5 }).toBuffer();
    if (png.length <= bytesMax) return keep(path, png);
  }
  throw new Error(`${path} is larger than ${bytesMax} bytes in 32 colours, too. Show less.`);
}

function keep(path: string, bytes: Buffer): void {
  writeFileSync(path, bytes);
  console.log(`${path}  ${Math.ceil(bytes.length / 1000)} kB`);
}

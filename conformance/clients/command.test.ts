import { expect, test } from "vitest";
import { realClock } from "../clock.ts";
import { commandClient, splitCommand } from "./command.ts";

test.each([
  ["python my_driver.py", ["python", "my_driver.py"]],
  ["  node \t driver.js\n", ["node", "driver.js"]],
  [`node "my driver.js"`, ["node", "my driver.js"]],
  [`node 'my "own" driver.js'`, ["node", `my "own" driver.js`]],
  [`node my" own "driver.js`, ["node", "my own driver.js"]],
  [`node --name ""`, ["node", "--name", ""]],
  [String.raw`node my\ driver.js`, ["node", "my driver.js"]],
  [String.raw`node "say \"hi\""`, ["node", `say "hi"`]],
  ["node 'a\\'", ["node", "a\\"]],
  [String.raw`C:\Python\python.exe driver.py`, [String.raw`C:\Python\python.exe`, "driver.py"]],
  ["node $HOME | cat", ["node", "$HOME", "|", "cat"]],
])("the words of %s", (line, words) => {
  expect(splitCommand(line)).toEqual(words);
});

test.each([
  ["", "The command is empty."],
  ["   ", "The command is empty."],
  [`""`, "The command is empty."],
  [`node "driver.js`, 'opens a quote " and does not close it.'],
  ["node 'driver.js", "opens a quote ' and does not close it."],
])("%j is refused", (line, sentence) => {
  expect(() => splitCommand(line)).toThrow(sentence);
});

test("it starts what the command says", async () => {
  const say = `console.log(JSON.stringify({ event: "hello", contract: 1, client: process.argv[1], dialect: "livekit", capabilities: [] }))`;
  const command = `"${process.execPath}" -e '${say}; process.stdin.on("data", () => process.exit())' "a b"`;
  const client = commandClient(command, realClock);
  const driver = await client.open();
  expect(driver.hello).toMatchObject({ client: "a b", dialect: "livekit" });
  await driver.close();
  await client.close();
});

test("it says which command cannot be started", async () => {
  await expect(commandClient("lucy-no-such-driver --fast", realClock).open()).rejects.toThrow(
    "command's driver could not be started, lucy-no-such-driver: spawn lucy-no-such-driver ENOENT.",
  );
});

import { expect, test } from "vitest";
import { realClock } from "../clock.ts";
import { openStdioDriver } from "./stdio-driver.ts";

test("x", async () => {
  const d = await openStdioDriver({
    command: process.execPath,
    args: [
      "-e",
      `console.log(JSON.stringify({event:"hello",contract:1,client:"c",dialect:"direct",capabilities:[]})); require("readline").createInterface({input:process.stdin}).on("line",l=>{const r=JSON.parse(l); console.log(JSON.stringify({event:"result",id:r.id,ok:true})); if(r.verb==="quit")process.exit()})`,
    ],
    name: "x",
    clock: realClock,
  });
  expect(await d.request("disconnect", {})).toMatchObject({ ok: true });
  await d.close();
});

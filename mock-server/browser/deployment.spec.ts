import { startMockServer } from "../index.ts";
import { base64Image, expect, test } from "./lucy-test.ts";

const credentials = { livekitKey: "a-key", livekitSecret: "a-secret-of-enough-characters-to-sign" };

test.use({
  // Another mock server, whose open rooms are the deployment.
  serverOptions: async ({ browserName: _ }, use) => {
    await using deployment = await startMockServer({ port: 0, ...credentials });
    await use({ ...credentials, livekitUrl: deployment.realtimeUrl });
  },
});

test("the SDK meets the server in a LiveKit deployment; prompt and image come on one picture", async ({
  harness,
}) => {
  const client = await harness.connect({ version: "0.1.20" });
  await client.morePictures(10);
  const change = { prompt: "invert", image: base64Image("face-png") };
  expect(await client.call("set", change)).toEqual({ ok: true });
  await client.untilRevision(1);
  await client.morePictures(5);
  await client.soundPictures();
  await client.call("disconnect");
});

"""Drives client.py for the conformance suite: JSON lines on stdin and stdout, as driver-contract.md has them. Needs python3-aiortc and
python3-aiohttp, and Python 3.9 or newer."""

import sys

sys.dont_write_bytecode = True

import asyncio
import base64
import json
import time
from fractions import Fraction

import aiohttp
import av
from aiortc import MediaStreamTrack

import strips
from client import USER_AGENT, Client

CAPABILITIES = (
    *("set", "set-prompt", "set-image", "acks", "enhance", "initial-prompt", "initial-image"),
    *("tokens", "subscribe", "replace-track", "media", "reconnect", "states", "errors", "ticks", "ended"),
    *("frames", "snapshot", "open"),
)
MODEL = "lucy_2_rt"

# Whatever else prints has to print for people.
lines, sys.stdout = sys.stdout, sys.stderr
started = time.monotonic()


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), file=lines, flush=True)


def now_ms():
    return (time.monotonic() - started) * 1000


class Camera(MediaStreamTrack):
    """A white square that wanders over grey, under an input strip."""

    kind = "video"

    def __init__(self, width, height, fps, audio=False):
        super().__init__()
        self.width, self.height, self.fps = width, height, fps
        self.count = 0
        self.due = None

    async def recv(self):
        # Who was late does not hurry after: pictures are due from now on.
        self.due = max(time.monotonic(), (self.due or 0) + 1 / self.fps)
        await asyncio.sleep(self.due - time.monotonic())
        frame = av.VideoFrame(self.width, self.height, "yuv420p")
        luma, *chroma = frame.planes
        luma.update(self.draw(luma.line_size, luma.buffer_size))
        for plane in chroma:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts, frame.time_base = int(now_ms() * 90), Fraction(1, 90000)
        self.count += 1
        return frame

    def draw(self, stride, size):
        luma = bytearray([96]) * size
        side = self.height // 4
        left = self.count * 4 % (self.width - side)
        for line in range(self.height // 2, self.height // 2 + side):
            luma[line * stride + left : line * stride + left + side] = bytes([200]) * side
        if self.width >= strips.CELLS:
            strips.write_input(luma, stride, self.width, strips.pack_input(self.count, int(now_ms())))
        return luma


class Driver:
    def __init__(self, http):
        self.http = http
        self.client = Client(http, say, self.show)
        self.cameras = []
        self.shown = None

    def show(self, frame):
        self.shown = frame
        at = now_ms()
        luma = frame.planes[0]
        given, made = strips.read(memoryview(luma), luma.line_size, frame.width, frame.height)
        say("frame", timeMs=round(at, 1), width=frame.width, height=frame.height, input=given, output=made)

    def open_camera(self, camera):
        self.cameras.append(Camera(**camera))
        return self.cameras[-1]

    async def connect(self, realtimeUrl, apiKey, camera, model=MODEL, initial={}, **_):
        return await self.client.connect(realtimeUrl, apiKey, model, self.open_camera(camera), initial)

    async def subscribe(self, realtimeUrl, apiKey, token, **_):
        await self.client.subscribe(realtimeUrl, apiKey, token)

    async def set(self, **state):
        await self.client.set(**state)

    async def setPrompt(self, **state):
        await self.client.set_prompt(**state)

    async def setImage(self, **state):
        await self.client.set_image(**state)

    async def replaceTrack(self, camera):
        self.client.replace_track(self.open_camera(camera))

    async def disconnect(self):
        await self.client.disconnect()

    async def createToken(self, url, apiKey, maxSessionDuration=None, realtimeUrl=None, **wanted):
        if maxSessionDuration is not None:
            wanted["constraints"] = {"realtime": {"maxSessionDuration": maxSessionDuration}}
        headers = {"X-API-KEY": apiKey, "User-Agent": USER_AGENT}
        async with self.http.post(f"{url}/v1/client/tokens", json=wanted, headers=headers) as answer:
            if not answer.ok:
                raise RuntimeError(f"Failed to create token: {answer.status} - {await answer.text()}")
            token = await answer.json()
        kept = {key: token[key] for key in ("apiKey", "expiresAt", "permissions") if token.get(key) is not None}
        return kept

    async def snapshot(self):
        if not self.shown:
            raise RuntimeError("No picture has been shown yet.")
        picture = self.shown.reformat(format="rgb24")
        encoder = av.CodecContext.create("png", "w")
        encoder.width, encoder.height = picture.width, picture.height
        encoder.pix_fmt, encoder.time_base = "rgb24", Fraction(1, 25)
        packets = [*encoder.encode(picture), *encoder.encode(None)]
        return {"png": base64.b64encode(b"".join(bytes(packet) for packet in packets)).decode()}

    async def open(self):
        ended = sum(1 for camera in self.cameras if camera.readyState == "ended")
        return {**self.client.open_count(), "tracks": ended}

    async def answer(self, id, verb, **args):
        try:
            value = await getattr(self, verb)(**args)
            say("result", id=id, ok=True, **({"value": value} if value else {}))
        except Exception as error:
            say("result", id=id, ok=False, error=str(error) or type(error).__name__)


async def main():
    async with aiohttp.ClientSession() as http:
        driver = Driver(http)
        say("hello", contract=1, client="aiortc", dialect="direct", capabilities=CAPABILITIES)
        tasks = set()
        while line := await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
            request = json.loads(line)
            if request["verb"] == "quit":
                break
            task = asyncio.ensure_future(driver.answer(**request))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await driver.disconnect()


asyncio.run(main())

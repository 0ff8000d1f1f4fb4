"""A client of Lucy's direct dialect on aiortc and aiohttp: one WebSocket, one peer connection straight to the server, which the client offers.

It does what a client owes, not what published ones do: a call ends with its own ack, what the server has acked is there again after a
reconnect, and a session that is over is not begun again. It knows nothing of the driver contract.
"""

import asyncio
import base64
import json
import logging
import re
from urllib.parse import quote, urlencode

import aioice.ice
import aiohttp
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp

log = logging.getLogger("lucy")
USER_AGENT = "lucy-testkit-aiortc/1 lang/py"

# Before each of six attempts, seconds. Documented of every client; a reconnect's first attempt is immediate.
PAUSES = (0, 1, 2, 4, 8, 10)
# A reconnect that held for less is no better than an attempt that failed: a server that takes every client in and closes is not stormed.
STEADY = 10
ATTEMPT = 30
ACK = {"prompt": 15, "set_image": 30}
# A socket over which no pong comes for half as long is half-open.
PING_EVERY = 4
# How long a server may take to answer the end of a socket.
GOODBYE = 0.5

# What the server would say again. The last are reasons for which it ends a session.
PERMANENT = (
    *("permission denied", "not allowed", "invalid session", "invalid api key", "unauthorized"),
    *("insufficient credits", "session duration", "moderation"),
)
OVER_FOR_GOOD = ("insufficient_credits", "timeout", "moderation_violation")

# RFC 7675 lets consent live for 30 s; browsers notice a dead path after five, and so does this.
aioice.ice.CONSENT_INTERVAL = 1
aioice.ice.CONSENT_FAILURES = 3


class Refused(Exception):
    """The server has refused a state."""


def is_permanent(error):
    text = str(error).lower()
    # 401 by itself: a port may be 40199.
    is_unauthorized = re.search(r"\b4?40[13]\b", text) is not None
    return isinstance(error, Refused) or is_unauthorized or any(words in text for words in PERMANENT)


def state_message(prompt=None, image=None, enhance=True):
    """All of a state in one message; None where there is none."""
    if image is not None:
        more = {} if prompt is None else {"prompt": prompt}
        return {"type": "set_image", "image_data": image, **more, "enhance_prompt": enhance}
    return None if prompt is None else {"type": "prompt", "prompt": prompt, "enhance_prompt": enhance}


class Lent(MediaStreamTrack):
    """A camera as a connection gets it: aiortc stops what it has sent once it closes, and the camera is the app's."""

    def __init__(self, camera):
        super().__init__()
        self.camera, self.kind = camera, camera.kind

    async def recv(self):
        return await self.camera.recv()


class Link:
    """One socket and one peer connection, from their opening to their end. Another attempt is another link: nothing of this one reaches it."""

    def __init__(self, tell, show):
        self.tell, self.show = tell, show
        self.socket = self.peer = self.sender = self.reader = None
        self.over = asyncio.get_running_loop().create_future()
        self.connected = asyncio.get_running_loop().create_future()
        self.is_up = self.has_started = self.is_over_for_good = False
        self.session = {}
        # Messages whose ack has not come, with the futures of their calls: also one whose call has timed out, for its ack may be late.
        self.waiting = []
        self.watching = set()

    async def open(self, http, url, camera, message):
        opening = asyncio.ensure_future(self._open(http, url, camera, message))
        try:
            await asyncio.wait({opening, self.over}, timeout=ATTEMPT, return_when=asyncio.FIRST_COMPLETED)
            if opening.done():
                opening.result()
                self.is_up = True
            elif self.over.done():
                raise ConnectionError(self.over.result())
            else:
                raise ConnectionError(f"connection timed out after {ATTEMPT * 1000} ms")
        finally:
            opening.cancel()

    async def _open(self, http, url, camera, message):
        try:
            self.socket = await http.ws_connect(url, heartbeat=PING_EVERY, timeout=GOODBYE, max_msg_size=0)
        except aiohttp.WSServerHandshakeError as error:
            raise ConnectionError(f"WebSocket refused: HTTP {error.status}") from None
        self.reader = asyncio.ensure_future(self._read())
        if message:
            await self.call(message)
        # No public STUN server is asked.
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.on("connectionstatechange", self._peer_changed)
        self.peer.on("track", self._watch)
        if camera:
            self.sender = self.peer.addTrack(Lent(camera))
            vp8 = [c for c in RTCRtpSender.getCapabilities("video").codecs if c.mimeType in ("video/VP8", "video/rtx")]
            self.peer.getTransceivers()[0].setCodecPreferences(vp8)
        else:
            for kind in ("video", "audio"):
                self.peer.addTransceiver(kind, direction="recvonly")
        # aiortc gathers before this is done: the offer holds every candidate.
        await self.peer.setLocalDescription(await self.peer.createOffer())
        # A goodbye in DTLS is no change of the peer connection's state to aiortc.
        self.peer.getTransceivers()[0].sender.transport.on("statechange", self._peer_changed)
        await self.send({"type": "offer", "sdp": self.peer.localDescription.sdp})
        await self.connected

    async def send(self, message):
        await self.socket.send_str(json.dumps(message))

    async def call(self, message):
        """Ends when the server has acked this message. Images are acked in order; a prompt's ack says the prompt."""
        future = asyncio.get_running_loop().create_future()
        self.waiting.append((message, future))
        await self.send(message)
        limit = ACK[message["type"]]
        try:
            await asyncio.wait_for(future, limit)
        except asyncio.TimeoutError:
            what = "Prompt" if message["type"] == "prompt" else "Image"
            raise TimeoutError(f"{what} send timed out after {limit * 1000} ms") from None

    def _take_ack(self, ack, type):
        for waiting in self.waiting:
            message, future = waiting
            if message["type"] != type or (type == "prompt" and message["prompt"] != ack.get("prompt")):
                continue
            self.waiting.remove(waiting)
            if not future.done():
                if ack.get("success"):
                    future.set_result(None)
                else:
                    future.set_exception(Refused(ack.get("error") or "The server refused it and did not say why."))
            return

    def lose(self, why):
        if self.over.done():
            return
        self.over.set_result(why)
        for _, future in self.waiting:
            if not future.done():
                future.set_exception(ConnectionError(why))

    async def _read(self):
        while True:
            frame = await self.socket.receive()
            if frame.type == aiohttp.WSMsgType.TEXT:
                await self._hear(frame.data)
            elif frame.type == aiohttp.WSMsgType.CLOSE:
                return self.lose(f"WebSocket closed: {frame.data} {frame.extra or ''}".strip())
            elif frame.type != aiohttp.WSMsgType.BINARY:
                return self.lose(f"WebSocket closed: {self.socket.close_code or 1006}")

    async def _hear(self, text):
        """What is broken or unknown is passed over: servers learn new words."""
        try:
            message = json.loads(text)
            type = message["type"]
            if type == "answer":
                await self.peer.setRemoteDescription(RTCSessionDescription(message["sdp"], "answer"))
                # A server without media takes the offer and sends nothing.
                sent = [each for each in self.peer.getTransceivers() if "recv" in (each.currentDirection or "")]
                if sent:
                    self.tell("stream", tracks=[each.kind for each in sent])
            elif type == "ice-candidate" and message["candidate"] and message["candidate"]["candidate"]:
                given = message["candidate"]
                candidate = candidate_from_sdp(given["candidate"].split(":", 1)[1])
                candidate.sdpMid, candidate.sdpMLineIndex = given.get("sdpMid"), given.get("sdpMLineIndex")
                await self.peer.addIceCandidate(candidate)
            elif type in ("prompt_ack", "set_image_ack"):
                self._take_ack(message, type[: -len("_ack")])
            elif type == "session_id":
                self.session = {"sid": message["session_id"], "ip": message["server_ip"], "port": message["server_port"]}
            elif type == "error":
                # Whose fault it is it does not say: a call that waits for its ack goes on waiting.
                self.tell("error", message=str(message["error"])) if self.is_up else self.lose(str(message["error"]))
            elif type == "generation_started":
                self.has_started = True
                if self.is_up:
                    self.tell("started")
            elif type == "generation_tick":
                self.tell("tick", seconds=float(message["seconds"]))
            elif type == "generation_ended":
                self.is_over_for_good = message["reason"] in OVER_FOR_GOOD
                self.tell("ended", seconds=float(message.get("seconds", 0)), reason=str(message["reason"]))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError):
            if '"answer"' in text:
                self.lose("The server's answer cannot be read.")

    def _peer_changed(self):
        states = (self.peer.connectionState, self.peer.getTransceivers()[0].sender.transport.state)
        if "failed" in states or "closed" in states:
            self.lose(f"ICE connection failed: the peer connection is {states[0]}, DTLS is {states[1]}")
        elif states[0] == "connected" and not self.connected.done():
            self.connected.set_result(None)

    def _watch(self, track):
        task = asyncio.ensure_future(self._show_all(track))
        self.watching.add(task)
        task.add_done_callback(self.watching.discard)

    async def _show_all(self, track):
        try:
            while True:
                frame = await track.recv()
                if track.kind == "video":
                    self.show(frame)
        except MediaStreamError:
            pass

    async def close(self):
        self.lose("the client has disconnected")
        if self.socket:
            await self.socket.close()
        if self.reader:
            self.reader.cancel()
        if self.peer:
            await self.peer.close()


class Client:
    """`tell(event, **fields)` hears of events, `show(frame)` gets pictures."""

    def __init__(self, http, tell, show):
        self.http, self.tell, self.show = http, tell, show
        self.state = "disconnected"
        self.camera = self.link = self.running = None
        self.wanted = {}
        self.links = []
        self.closing = set()

    async def connect(self, realtime_url, api_key, model, camera, initial):
        query = urlencode({"api_key": api_key, "model": model, "user_agent": USER_AGENT}, quote_via=quote)
        self.camera = camera
        self.wanted = dict(initial)
        await self._begin(f"{realtime_url}/v1/stream?{query}")
        session = self.link.session
        token = base64.b64encode(json.dumps(session, separators=(",", ":")).encode()).decode()
        return {"sessionId": session["sid"], "subscribeToken": token} if session else {}

    async def subscribe(self, realtime_url, api_key, token):
        try:
            session = json.loads(base64.b64decode(token))
            place = {"IP": session["ip"], "port": session["port"]}
            path = f"/subscribe/{quote(session['sid'], safe='')}"
        except (ValueError, TypeError, KeyError):
            raise ValueError("Invalid subscribe token") from None
        query = urlencode({**place, "api_key": api_key, "user_agent": USER_AGENT}, quote_via=quote)
        self.camera = None
        self.wanted = {}
        await self._begin(f"{realtime_url}{path}?{query}")

    async def set(self, prompt=None, enhance=True, **image):
        """`image=None` clears it; no image at all keeps it."""
        if prompt is None and not image:
            raise ValueError("There is nothing to set: give a prompt, an image or both.")
        # Without its key the image is kept. A null would not say whether it is kept or cleared.
        await self._change({"type": "set_image", "enhance_prompt": enhance}, prompt, enhance, image)

    async def set_prompt(self, prompt, enhance=True):
        await self._change({"type": "prompt", "enhance_prompt": enhance}, prompt, enhance, {})

    async def set_image(self, image, prompt=None, enhance=None):
        more = {} if enhance is None else {"enhance_prompt": enhance}
        await self._change({"type": "set_image", **more}, prompt, enhance, {"image": image})

    def replace_track(self, camera):
        self.camera = camera
        if self.link and self.link.sender:
            self.link.sender.replaceTrack(Lent(camera))

    async def disconnect(self):
        running, self.running = self.running, None
        if running:
            running.cancel()
        link, self.link = self.link, None
        if link:
            link.lose("the client has disconnected")
        self._become("disconnected")
        for each in self.links:
            self._close(each)
        await asyncio.gather(*self.closing)

    def open_count(self):
        sockets = sum(1 for link in self.links if link.socket and not link.socket.closed)
        peers = sum(1 for link in self.links if link.peer and link.peer.connectionState != "closed")
        return {"sockets": sockets, "connections": peers}

    async def _change(self, message, prompt, enhance, image):
        if prompt == "":
            raise ValueError("The prompt is empty; it takes at least one character.")
        if self.state not in ("connected", "generating"):
            raise ConnectionError(f"Cannot send message: connection is {self.state}")
        if prompt is not None:
            message["prompt"] = prompt
        if image:
            message["image_data"] = image["image"]
        await self.link.call(message)
        # Only now: what was refused, or cut off, has told its caller so, and does not come back.
        said = {"prompt": prompt, "enhance": enhance}
        self.wanted.update({key: value for key, value in said.items() if value is not None}, **image)

    async def _begin(self, url):
        if self.running:
            raise RuntimeError("This client is connected already; disconnect it first.")
        begun = asyncio.get_running_loop().create_future()
        self._become("connecting")
        self.running = asyncio.ensure_future(self._run(url, begun))
        self.running.add_done_callback(lambda running: running.cancelled() and begun.cancel())
        try:
            await begun
        except asyncio.CancelledError:
            raise ConnectionError("It was disconnected before it had connected.") from None

    async def _run(self, url, begun):
        """Keeps a link up until the client disconnects, or there is no use in it."""
        attempt = 0
        while attempt < len(PAUSES):
            await asyncio.sleep(PAUSES[attempt])
            link = Link(self._heard, self.show)
            self.links.append(link)
            try:
                await link.open(self.http, url, self.camera, state_message(**self.wanted))
            except Exception as error:
                if not isinstance(error, (OSError, Refused, asyncio.TimeoutError, aiohttp.ClientError)):
                    log.exception("An attempt to connect failed in a way that it should not.")
                why = error
                self._close(link)
                attempt += 1
            else:
                since = asyncio.get_running_loop().time()
                is_first = not begun.done()
                why, is_over = await self._keep(link, begun)
                self._close(link)
                if is_over:
                    return self._end()
                is_steady = asyncio.get_running_loop().time() - since >= STEADY
                attempt = 0 if is_first or is_steady else attempt + 1
                if not is_permanent(why):
                    self._become("reconnecting")
            if is_permanent(why):
                break
        if begun.done():
            self.tell("error", message=str(why))
        else:
            begun.set_exception(ConnectionError(str(why)))
        self._end()

    async def _keep(self, link, begun):
        """Returns why it was lost, and whether its session was over."""
        self.link = link
        self._become("connected")
        if link.has_started:
            self._become("generating")
        if not begun.done():
            begun.set_result(None)
        why = await link.over
        self.link = None
        return ConnectionError(why), link.is_over_for_good

    def _end(self):
        self.running = None
        self._become("disconnected")

    def _heard(self, event, **fields):
        if event == "started":
            self._become("generating")
        else:
            self.tell(event, **fields)

    def _become(self, state):
        if state != self.state:
            self.state = state
            self.tell("state", state=state)

    def _close(self, link):
        """Beside everything else: how long a server takes to say goodbye is nobody's concern."""
        task = asyncio.ensure_future(link.close())
        self.closing.add(task)
        task.add_done_callback(self.closing.discard)

"""Writes and reads the strips: two rows of 80 black or white cells at the top of a picture. Layout and vectors: fixtures/strips.golden.json.

A picture's luma is a buffer of bytes with `stride` bytes a line, as PyAV has it. Nothing here needs more than the standard library.
"""

CELLS = 80
INPUT_SYNC, OUTPUT_SYNC, VERSION = 0xA5, 0x5A, 1
BLACK, WHITE, THRESHOLD = 16, 235, 125
NORMAL, TALL = 1, 2


def crc16(octets):
    crc = 0xFFFF
    for octet in octets:
        crc ^= octet << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def half_up(x):
    return int(x + 0.5)


def lines_of(width, cell=NORMAL):
    """Lines of one row. Even, so that chroma rows never straddle a boundary."""
    return 2 * max(cell, half_up(width * cell / 160))


def edges_of(width):
    return [half_up(index * width / CELLS) for index in range(CELLS + 1)]


def pack_input(frame_id, timestamp_ms, flags=0):
    """The 10 bytes of an input strip."""
    bits = VERSION << 52 | (frame_id & 0xFFFFFF) << 28 | (timestamp_ms & 0xFFFFFF) << 4 | flags & 15
    middle = bits.to_bytes(7, "big")
    return bytes([INPUT_SYNC]) + middle + crc16(middle).to_bytes(2, "big")


def unpack_input(row):
    """As the driver contract has it, or None when sync, CRC or version is not right."""
    bits = _unseal(row, INPUT_SYNC)
    if bits is None or bits >> 52 != VERSION:
        return None
    return {"frameId": bits >> 28 & 0xFFFFFF, "timestampMs": bits >> 4 & 0xFFFFFF, "flags": bits & 15}


def unpack_output(row):
    bits = _unseal(row, OUTPUT_SYNC)
    if bits is None:
        return None
    return {
        "revision": bits >> 44,
        "promptHash": bits >> 28 & 0xFFFF,
        "imageHash": bits >> 12 & 0xFFFF,
        "outputCount": bits & 0xFFF,
    }


def write_input(luma, stride, width, row):
    """Paints row 1 into a bytearray. Chroma there has to be 128."""
    line = bytearray([BLACK]) * width
    edges = edges_of(width)
    for index in range(CELLS):
        if row[index >> 3] >> (7 - (index & 7)) & 1:
            line[edges[index] : edges[index + 1]] = bytes([WHITE]) * (edges[index + 1] - edges[index])
    for at in range(lines_of(width)):
        luma[at * stride : at * stride + width] = line


def read(luma, stride, width, height):
    """Both strips, `(input, output)`; None for one that cannot be read."""
    return (
        _read_row(luma, stride, width, height, 0, unpack_input),
        _read_row(luma, stride, width, height, 1, unpack_output),
    )


def _read_row(luma, stride, width, height, row, unpack):
    for cell in (NORMAL, TALL):
        # A picture that was stamped at 1280 and scaled has rows of exactly width / 80 lines, one that was stamped at its own size an even
        # number: looked at is the centre half of what both have in common.
        even, scaled = lines_of(width, cell), width * cell / CELLS
        low, high = row * max(even, scaled), (row + 1) * min(even, scaled)
        first = half_up(low + (high - low) / 4)
        last = max(first + 1, half_up(high - (high - low) / 4))
        if width < CELLS or last > height:
            return None
        strip = unpack(_read_cells(luma, stride, width, first, last))
        if strip:
            return strip
    return None


def _read_cells(luma, stride, width, first, last):
    edges = edges_of(width)
    bits = 0
    for index in range(CELLS):
        quarter = (edges[index + 1] - edges[index]) >> 2
        left, right = edges[index] + quarter, edges[index + 1] - quarter
        total = sum(sum(luma[line * stride + left : line * stride + right]) for line in range(first, last))
        bits = bits << 1 | (total > THRESHOLD * (last - first) * (right - left))
    return bits.to_bytes(CELLS // 8, "big")


def _unseal(row, sync):
    middle = row[1:8]
    if row[0] != sync or crc16(middle) != int.from_bytes(row[8:10], "big"):
        return None
    return int.from_bytes(middle, "big")

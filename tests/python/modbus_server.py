"""A Modbus TCP server that is not ours (pymodbus), told what to hold by lines of JSON on stdin, answered on stdout.

    {"op": "write", "table": "input", "address": 0, "type": "f32", "word_order": "little", "value": 1.5}
    {"op": "read", "table": "holding", "address": 0, "type": "f32", "word_order": "little"}

Values are encoded and decoded by pymodbus, not by us: what both sides agree on is then more than our own opinion.
Ends when stdin ends.
"""

import asyncio
import json
import sys

from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusTcpServer

CELLS = 2000
# The function code by which pymodbus names a table.
TABLES = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
TYPES = {
    "i16": "INT16", "u16": "UINT16", "i32": "INT32", "u32": "UINT32", "i64": "INT64", "u64": "UINT64",
    "f32": "FLOAT32", "f64": "FLOAT64", "string": "STRING",
}  # fmt: skip


def data_type(name):
    return ModbusClientMixin.DATATYPE[TYPES[name.split("(")[0]]]


def encode(request):
    if request["type"] == "bool":
        return [request["value"]]
    kind, order = data_type(request["type"]), request["word_order"]
    registers = ModbusClientMixin.convert_to_registers(request["value"], kind, word_order=order)
    # A text fills its registers with zeros.
    return registers + [0] * (request.get("cells", len(registers)) - len(registers))


def decode(request, cells):
    if request["type"] == "bool":
        return bool(cells[0])
    return ModbusClientMixin.convert_from_registers(list(cells), data_type(request["type"]), word_order=request["word_order"])


def answer(device, request):
    table, address = TABLES[request["table"]], request["address"]
    if request["op"] == "write":
        device.setValues(table, address, encode(request))
        return {}
    return {"value": decode(request, device.getValues(table, address, request["cells"]))}


async def main(port):
    block = lambda: ModbusSequentialDataBlock(0, [0] * CELLS)  # noqa: E731
    device = ModbusDeviceContext(di=block(), co=block(), ir=block(), hr=block())
    context = ModbusServerContext(devices=device, single=True)
    server = ModbusTcpServer(context, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    print(json.dumps({"listening": port}), flush=True)

    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(answer(device, json.loads(line))), flush=True)
    await server.shutdown()


asyncio.run(main(int(sys.argv[1])))

"""An EPICS IOC (pythonSoftIOC) with two output records: LAB:MEM keeps its value, LAB:REG also writes it to a Modbus register before the
put is complete. Usage: ioc.py MODBUS_PORT. Prints "ready" once it serves; ends with its stdin."""

import sys

from pymodbus.client import ModbusTcpClient
from softioc import asyncio_dispatcher, builder, softioc

client = ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]))
client.connect()


def write(value):
    raw = int(value)
    answer = client.write_registers(0, [raw >> 16, raw & 0xFFFF], device_id=1)
    if answer.isError():
        raise RuntimeError(str(answer))


builder.SetDeviceName("LAB")
builder.longOut("MEM", initial_value=0)
# blocking: the record is processing until the callback has returned, which is what a put with completion waits for.
builder.longOut("REG", initial_value=0, on_update=write, blocking=True, always_update=True)
builder.LoadDatabase()
softioc.iocInit(asyncio_dispatcher.AsyncioDispatcher())
print("ready", flush=True)
sys.stdin.read()

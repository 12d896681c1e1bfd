"""Writes two registers of a Modbus device, one request after the other, and waits for each answer: what a script on somebody's desk does.
Usage: modbus_write.py PORT COUNT. Prints the time of each in nanoseconds as JSON."""

import json
import sys
import time

from pymodbus.client import ModbusTcpClient

client = ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]))
client.connect()
took = []
for n in range(int(sys.argv[2]) + 20):
    began = time.perf_counter_ns()
    answer = client.write_registers(2, [0, n & 0xFFFF], device_id=1)
    took.append(time.perf_counter_ns() - began)
    if answer.isError():
        sys.exit(str(answer))
print(json.dumps(took[20:]))

// Carries a confirmed command through: hands it to any node, then asks what became of it until that is known.
//
//   hand over --answer--> follow --final state--> over
//       |  ^                |  ^
//       |  +- no answer     |  +- no answer: ask again, for ever
//       |     before the    |
//       |     deadline      +-- no node knows it: before the deadline hand over again, after it: it never arrived
//       +-- refused: over
//
// The same id goes out each time, so nothing is driven twice, also when the first answer was lost. After the deadline nothing is handed
// over any more, because no owner would begin it.

import { errorOf } from '../api/client';
import { Refusal } from '../api/nodes';
import type { Command, SetSetpointRequest } from '../gen/labkeeper/v1/command_pb.js';
import { DEADLINE_MS, type Trouble } from './flow';
import { isFinal } from './progress';

/** Pauses between attempts that nobody answered, in ms: they double, so that a dead site is asked every five seconds. */
const PAUSE_MS_MIN = 300;
const PAUSE_MS_MAX = 5_000;
/** How long after the deadline a command may still come to light, in ms: a node that held it answers within its own wait. */
const LATE_MS = DEADLINE_MS / 2;

/** What carrying needs. */
export interface Carrier {
  setSetpoint(request: SetSetpointRequest): Promise<Command | undefined>;
  followCommand(id: string): Promise<Command | undefined>;
  /** UTC at the site, ms. */
  siteMs(): number;
  pause(ms: number): Promise<void>;
}

/** What comes of it, bit by bit. */
export interface Report {
  command(command: Command): void;
  trouble(trouble: Trouble, over: boolean): void;
}

const NEVER_ARRIVED: Trouble = {
  code: '',
  message: 'No node has heard of this command, and its deadline has passed: nothing was driven.',
  remedy: 'Set it again.',
};

/** Returns when nothing more will be learnt. */
export async function carryThrough(request: SetSetpointRequest, carrier: Carrier, report: Report): Promise<void> {
  const deadlineMs = Number(request.deadlineUnixMs);
  let pauseMs = PAUSE_MS_MIN;
  let handedOver = false;
  for (;;) {
    try {
      const inTime = carrier.siteMs() < deadlineMs;
      const command: Command | undefined =
        handedOver || !inTime ? await carrier.followCommand(request.id) : await carrier.setSetpoint(request);
      handedOver = command !== undefined;
      if (command) report.command(command);
      if (command && isFinal(command.state)) return;
      if (!command && carrier.siteMs() >= deadlineMs + LATE_MS) return report.trouble(NEVER_ARRIVED, true);
      // An answer that came at once, with nothing final in it, must not become a loop without a pause.
      pauseMs = PAUSE_MS_MIN;
    } catch (error) {
      const over = error instanceof Refusal && error.status < 500;
      report.trouble(errorOf(error), over);
      if (over) return;
      pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2);
    }
    await carrier.pause(pauseMs);
  }
}

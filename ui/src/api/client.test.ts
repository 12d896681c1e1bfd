import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { CommandState, SetSetpointRequestSchema } from '../gen/labkeeper/v1/command_pb.js';
import { Client, errorOf } from './client';
import { callAny, Refusal, Unreachable } from './nodes';

const [N1, N2] = ['http://n1:1', 'http://n2:1'];

/** Nodes that answer as told, by URL of the node; an Error is a broken network. */
function nodes(answers: Record<string, Error | [number, unknown]>) {
  const asked: { url: string; body: unknown }[] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    asked.push({ url, body: init.body ? JSON.parse(init.body as string) : undefined });
    const answer = answers[new URL(url).origin];
    if (!answer || answer instanceof Error) throw answer ?? new TypeError('refused');
    return new Response(typeof answer[1] === 'string' ? answer[1] : JSON.stringify(answer[1]), { status: answer[0] });
  }) as typeof globalThis.fetch;
  return { asked, caller: { fetch, urls: () => [N1, N2, N1] as string[] } };
}

const GET = { method: 'GET', path: '/x' } as const;

describe('a call', () => {
  it('goes to the next node when one is dead or cannot', async () => {
    expect(await callAny(nodes({ [N2 as string]: [200, { a: 1 }] }).caller, GET)).toEqual({ a: 1 });
    const failing = nodes({ [N1 as string]: [503, {}], [N2 as string]: [200, { a: 2 }] });
    expect(await callAny(failing.caller, GET)).toEqual({ a: 2 });
    expect(failing.asked.map(({ url }) => url)).toEqual([`${N1}/x`, `${N2}/x`]);
  });

  it('does not ask another node when one has decided', async () => {
    const { asked, caller } = nodes({ [N1 as string]: [404, { code: 'LAB3014' }], [N2 as string]: [200, {}] });
    await expect(callAny(caller, GET)).rejects.toMatchObject({ status: 404, body: { code: 'LAB3014' } });
    expect(asked).toHaveLength(1);
  });

  it('says which nodes it tried', async () => {
    await expect(callAny(nodes({}).caller, GET)).rejects.toEqual(new Unreachable([N1 as string, N2 as string]));
    await expect(callAny(nodes({ [N1 as string]: [503, 'upstream'] }).caller, GET)).rejects.toMatchObject({
      status: 503,
      body: 'upstream',
    });
  });
});

describe('a command', () => {
  const request = create(SetSetpointRequestSchema, {
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
    tag: 'cryo/chiller-1/temperature_setpoint',
    value: { kind: { case: 'number', value: 22.5 } },
    expectedRevision: 0n,
    deadlineUnixMs: 1_795_000_000_000n,
  });

  it('keeps its id from node to node, in canonical JSON', async () => {
    const command = {
      id: request.id,
      state: 'COMMAND_STATE_COMMITTED',
      steps: [{ state: 'COMMAND_STATE_COMMITTED', timeUnixNs: '5' }],
      later: 1,
    };
    const { asked, caller } = nodes({ [N2 as string]: [200, { command }] });
    const answer = await new Client(caller).setSetpoint(request);
    expect(answer?.state).toBe(CommandState.COMMITTED);
    expect(asked.map(({ body }) => body)).toEqual(
      Array(2).fill({
        id: request.id,
        tag: request.tag,
        value: { number: 22.5 },
        expectedRevision: '0',
        deadlineUnixMs: '1795000000000',
      }),
    );
  });

  it('that no node has heard of is undefined, not an error', async () => {
    const client = new Client(nodes({ [N1 as string]: [404, { code: 'LAB3014' }] }).caller);
    expect(await client.followCommand(request.id)).toBeUndefined();
  });
});

it('a failure is told in the node’s words, or in plain ones', () => {
  const refused = new Refusal(503, { code: 'LAB4001', message: 'no leader', remedy: 'wait', extra: 1 });
  expect(errorOf(refused)).toMatchObject({ code: 'LAB4001', message: 'no leader', remedy: 'wait' });
  expect(errorOf(new Refusal(502, '<html>')).message).toContain('HTTP 502');
  expect(errorOf(new Unreachable([N1 as string])).message).toContain(N1);
});

// The contract in proto/ as functions: messages in, messages out, canonical JSON on the wire.

import { type DescMessage, fromJson, type JsonValue, type MessageShape, toJson } from '@bufbuild/protobuf';
import { GetClusterStatusResponseSchema } from '../gen/labkeeper/v1/cluster_pb.js';
import {
  type Command,
  GetCommandResponseSchema,
  ListCommandsResponseSchema,
  type SetSetpointRequest,
  SetSetpointRequestSchema,
  SetSetpointResponseSchema,
} from '../gen/labkeeper/v1/command_pb.js';
import { type Error as SiteError, ErrorSchema } from '../gen/labkeeper/v1/error_pb.js';
import { GetTagsResponseSchema } from '../gen/labkeeper/v1/tag_pb.js';
import { type Call, type Caller, callAny, Refusal } from './nodes';

/** A newer node may say more than this page knows. */
const READ = { ignoreUnknownFields: true };
/** How long a node may wait for a command's end before it answers with where the command stands, in ms. */
export const FOLLOW_MS_MAX = 5_000;
/** Commands in the list of recent ones. */
export const RECENT_MAX = 50;

export class Client {
  constructor(private readonly caller: Caller) {}

  getCluster = () => this.get(GetClusterStatusResponseSchema, '/api/v1/cluster');

  getTags = async () => (await this.get(GetTagsResponseSchema, '/api/v1/tags')).tags;

  listCommands = async () => (await this.get(ListCommandsResponseSchema, `/api/v1/commands?limit=${RECENT_MAX}`)).commands;

  /** Sends a command; sent again with the same id, by whatever node, it is the same command. */
  async setSetpoint(request: SetSetpointRequest): Promise<Command | undefined> {
    const body = toJson(SetSetpointRequestSchema, request);
    const call: Call = { method: 'POST', path: '/api/v1/commands', body, waitMs: request.waitMsMax };
    return (await this.call(SetSetpointResponseSchema, call)).command;
  }

  /** Where a command stands, after waiting for its end for a while; undefined if no node has heard of it. */
  async followCommand(id: string): Promise<Command | undefined> {
    const path = `/api/v1/commands/${encodeURIComponent(id)}?wait=verified&wait_ms_max=${FOLLOW_MS_MAX}`;
    try {
      return (await this.call(GetCommandResponseSchema, { method: 'GET', path, waitMs: FOLLOW_MS_MAX })).command;
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return undefined;
      throw error;
    }
  }

  private get<Desc extends DescMessage>(schema: Desc, path: string): Promise<MessageShape<Desc>> {
    return this.call(schema, { method: 'GET', path });
  }

  private async call<Desc extends DescMessage>(schema: Desc, call: Call): Promise<MessageShape<Desc>> {
    return fromJson(schema, (await callAny(this.caller, call)) as JsonValue, READ);
  }
}

/** What a failed call means to a person: the node's own words if it gave any. */
export function errorOf(failure: unknown): Pick<SiteError, 'code' | 'message' | 'remedy'> {
  if (failure instanceof Refusal) {
    try {
      return fromJson(ErrorSchema, failure.body as JsonValue, READ);
    } catch {
      return { code: '', message: `The node answered ${failure.message}.`, remedy: 'Try again; if it lasts, look at the node’s log.' };
    }
  }
  const message = failure instanceof Error ? failure.message : String(failure);
  return { code: '', message, remedy: 'Check the network and that the nodes run.' };
}

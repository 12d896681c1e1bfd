// Stands in for a cluster of three nodes, for whoever works on the page: `npm run dev:mock`, then http://127.0.0.1:7780
// (or `npm run dev` beside it, for a page that reloads as its code changes).
//
//   POST /mock/fail/lab-n1    kills a node        LABKEEPER_MOCK_PORT   first of three ports (7780)
//   POST /mock/heal/lab-n1    starts it again     LABKEEPER_MOCK_TAGS   so many tags more, to see the page under load

import { fromBinary, fromJson, toJson } from '@bufbuild/protobuf';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { WebSocketServer } from 'ws';
import { GetClusterStatusResponseSchema } from '../src/gen/labkeeper/v1/cluster_pb.js';
import {
  CommandState,
  GetCommandResponseSchema,
  ListCommandsResponseSchema,
  SetSetpointRequestSchema,
  SetSetpointResponseSchema,
} from '../src/gen/labkeeper/v1/command_pb.js';
import { LiveRequestSchema } from '../src/gen/labkeeper/v1/live_pb.js';
import { GetTagsResponseSchema } from '../src/gen/labkeeper/v1/tag_pb.js';
import { Cluster } from './cluster.mjs';
import { Lab, POLL_MS } from './lab.mjs';
import { encode, frame, readings } from './wire.mjs';

const BASE_PORT = Number(process.env.LABKEEPER_MOCK_PORT ?? 7780);
const HEARTBEAT_MS = 200;
const DIST = new URL('../dist/', import.meta.url).pathname;
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
// As strict as a node's, so that what a browser would refuse there is seen here.
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src *; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'";

const lab = new Lab(Number(process.env.LABKEEPER_MOCK_TAGS ?? 0));
const cluster = new Cluster(lab, BASE_PORT, onCommand, onChange);
const clients = new Set();
const leads = (node) => cluster.leader === node.name;

function onCommand(command) {
  for (const client of clients) if (leads(client.node)) client.socket.send(encode('command', command));
  if (command.state >= CommandState.COMMITTED) for (const client of clients) snapshot(client);
}

function onChange() {
  for (const client of clients) {
    if (!client.node.up) client.socket.terminate();
    else welcome(client);
  }
}

function welcome(client) {
  const { node, socket } = client;
  socket.send(
    encode('welcome', {
      node: node.name,
      isLeader: leads(node),
      term: BigInt(cluster.term),
      leader: cluster.leader,
      peers: cluster.nodes.map(({ url }) => url),
      timeUnixMs: BigInt(Date.now()),
      version: '0.1.0',
    }),
  );
  if (leads(node)) socket.send(encode('cluster', cluster.status(node.name)));
  snapshot(client);
}

function snapshot(client) {
  if (!client.subscribed || !leads(client.node)) return;
  client.generation += 1;
  client.socket.send(encode('snapshot', { term: BigInt(cluster.term), generation: client.generation, tags: readings(lab, cluster) }));
}

setInterval(() => {
  const now = Date.now();
  lab.poll(now, cluster.isDriven);
  cluster.index += 1n;
  for (const { socket, node, generation } of clients)
    if (leads(node) && generation) socket.send(encode('frame', frame(lab, cluster.term, generation, now)));
}, POLL_MS);
setInterval(() => {
  for (const { socket } of clients) socket.send(encode('heartbeat', { term: BigInt(cluster.term), timeUnixMs: BigInt(Date.now()) }));
}, HEARTBEAT_MS);
setInterval(() => {
  for (const { socket, node } of clients) if (leads(node)) socket.send(encode('cluster', cluster.status(node.name)));
}, 1000);

const READ = {
  '/api/v1/cluster': (node) => toJson(GetClusterStatusResponseSchema, cluster.status(node.name)),
  '/api/v1/tags': () => toJson(GetTagsResponseSchema, { $typeName: GetTagsResponseSchema.typeName, tags: readings(lab, cluster) }),
  '/api/v1/commands': () =>
    toJson(ListCommandsResponseSchema, {
      $typeName: ListCommandsResponseSchema.typeName,
      commands: [...cluster.commands.values()].reverse(),
    }),
};

async function answer(node, request, url) {
  const path = url.pathname;
  if (path.startsWith('/mock/')) return control(path);
  if (!path.startsWith('/api/')) return file(path === '/' ? 'index.html' : path.slice(1));
  if (!cluster.leader) return [503, { code: 'LAB4001', message: 'no leader', remedy: 'Wait for the election, or start more nodes.' }];
  if (path === '/api/v1/commands' && request.method === 'POST') {
    const command = cluster.set(fromJson(SetSetpointRequestSchema, JSON.parse(await bodyOf(request))));
    return [200, toJson(SetSetpointResponseSchema, { $typeName: SetSetpointResponseSchema.typeName, command })];
  }
  if (READ[path]) return [200, READ[path](node)];
  const command = cluster.commands.get(path.split('/').pop());
  if (!command) return [404, { code: 'LAB3014', message: 'no such command', remedy: 'Check the id.' }];
  for (
    const end = Date.now() + Number(url.searchParams.get('wait_ms_max') ?? 0);
    command.state < CommandState.VERIFIED && Date.now() < end;
  ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return [200, toJson(GetCommandResponseSchema, { $typeName: GetCommandResponseSchema.typeName, command })];
}

function control(path) {
  const [, , verb, name] = path.split('/');
  if (!['fail', 'heal'].includes(verb) || !cluster.nodes.some((node) => node.name === name)) return [404, {}];
  cluster[verb](name);
  return [200, {}];
}

async function file(path) {
  try {
    return [200, await readFile(join(DIST, normalize(`/${path}`))), TYPES[extname(path)] ?? 'application/octet-stream'];
  } catch {
    return [404, { message: 'not found; is the page built? (npm run build)' }];
  }
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

for (const node of cluster.nodes) {
  const server = createServer(async (request, response) => {
    // A dead process takes no orders, except the mock's own to come back.
    if (!node.up && !request.url.startsWith('/mock/')) return request.socket.destroy();
    const [status, body, type] = request.method === 'OPTIONS' ? [204, ''] : await answer(node, request, new URL(request.url, node.url));
    response.writeHead(status, {
      'content-type': type ?? 'application/json',
      'content-security-policy': CSP,
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'content-type',
    });
    response.end(type || status === 204 ? body : JSON.stringify(body));
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (!node.up) return socket.destroy();
    sockets.handleUpgrade(request, socket, head, (ws) => enter(node, ws));
  });
  server.listen(node.port, '127.0.0.1', () => console.log(`${node.name} ${node.url}`));
}

function enter(node, socket) {
  const client = { node, socket, generation: 0, subscribed: false };
  clients.add(client);
  welcome(client);
  socket.on('message', (data) => {
    client.subscribed = fromBinary(LiveRequestSchema, data).kind.case === 'subscribe';
    snapshot(client);
  });
  socket.on('close', () => clients.delete(client));
  socket.on('error', () => clients.delete(client));
}

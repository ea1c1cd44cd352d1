import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HttpRig } from '../../support/http-rig.js';

let rig: HttpRig;
beforeEach(async () => {
  rig = await HttpRig.start();
});
afterEach(() => rig[Symbol.asyncDispose]());

/** A request whose body is still to come. */
async function halfRequest(): Promise<Socket> {
  const socket = connect(Number(new URL(rig.base).port), '127.0.0.1');
  await once(socket, 'connect');
  const head = ['PUT /v1/devices/-/policies/acme HTTP/1.1', 'Host: x', 'Content-Type: application/json'];
  socket.write([...head, 'Content-Length: 13', 'Expect: 100-continue', '', ''].join('\r\n'));
  // The service asks for the body: it has the request.
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  expect(chunk.toString()).toContain('100 Continue');
  return socket;
}

it('answers what was asked before the drain, and takes no more', async () => {
  const socket = await halfRequest();
  const drained = rig.door.drain(60_000);
  await expect(fetch(`${rig.base}/livez`)).rejects.toThrow();
  socket.write('{"shares": 5}');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 200 [^]*"shares":5/);
  await drained;
});

it('waits no longer than its grace for what does not end', async () => {
  const socket = await halfRequest();
  socket.on('error', () => undefined);
  await rig.door.drain(20);
  expect(socket.closed).toBe(false);
  const closed = once(socket, 'close');
  await rig.door.close();
  await closed;
});

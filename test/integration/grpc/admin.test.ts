/** What gRPC tools find beside our own services: health, reflection, channelz. */
import { Client, credentials, type ServiceDefinition } from '@grpc/grpc-js';
import { service as health } from 'grpc-health-check';
import protoLoader from '@grpc/proto-loader';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Harness } from './harness.js';

const require = createRequire(import.meta.url);

function proto(packageName: string, ...file: string[]): protoLoader.PackageDefinition {
  const root = path.dirname(require.resolve(`${packageName}/package.json`));
  return protoLoader.loadSync(path.join(root, ...file), { includeDirs: [path.join(root, 'proto')], defaults: true });
}

test('health knows each service', async () => {
  await using harness = await Harness.start();
  const client = new Client(harness.address, credentials.createInsecure());
  const { path: method, requestSerialize, responseDeserialize } = health.Check!;
  for (const service of ['', 'sluice.v1.IoService', 'sluice.v1.UsageService']) {
    const answer = await new Promise((resolve) =>
      client.makeUnaryRequest(method, requestSerialize, responseDeserialize, { service }, (_, value) => resolve(value)),
    );
    expect(answer).toMatchObject({ status: 'SERVING' });
  }
  client.close();
});

test('reflection lists the services and gives the file of a symbol', async () => {
  await using harness = await Harness.start();
  const definition = proto('@grpc/reflection', 'build/proto/grpc/reflection/v1/reflection.proto')[
    'grpc.reflection.v1.ServerReflection'
  ] as ServiceDefinition;
  const client = new Client(harness.address, credentials.createInsecure());
  const { path: method, requestSerialize, responseDeserialize } = definition.ServerReflectionInfo!;
  const call = client.makeBidiStreamRequest(method, requestSerialize, responseDeserialize);
  call.on('error', () => undefined);
  const next = (request: object): Promise<Record<string, unknown>> => {
    const answer = new Promise<Record<string, unknown>>((resolve) => call.once('data', resolve));
    call.write(request);
    return answer;
  };
  const listed = (await next({ listServices: '' })) as { listServicesResponse: { service: { name: string }[] } };
  expect(listed.listServicesResponse.service.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['Io', 'Policy', 'Device', 'Usage'].map((name) => `sluice.v1.${name}Service`)),
  );
  const found = (await next({ fileContainingSymbol: 'sluice.v1.IoService' })) as {
    fileDescriptorResponse: { fileDescriptorProto: Buffer[] };
  };
  expect(Buffer.concat(found.fileDescriptorResponse.fileDescriptorProto).includes('ClientFrame')).toBe(true);
  call.end();
  client.close();
});

test('channelz counts the calls', async () => {
  await using harness = await Harness.start();
  const definition = proto('@grpc/grpc-js', 'proto/channelz.proto')['grpc.channelz.v1.Channelz'] as ServiceDefinition;
  const client = new Client(harness.address, credentials.createInsecure());
  const { path: method, requestSerialize, responseDeserialize } = definition.GetServers!;
  const answer = await new Promise((resolve) =>
    client.makeUnaryRequest(method, requestSerialize, responseDeserialize, {}, (_, value) => resolve(value)),
  );
  expect((answer as { server: unknown[] }).server.length).toBeGreaterThan(0);
  client.close();
});

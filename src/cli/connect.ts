/** How commands reach a running service. */
import { Option } from 'commander';
import { SluiceClient } from '../client/index.js';

/** A command is typed by somebody who waits: a service that is not there is said so soon. */
const OUTAGE_MS_MAX = 3_000;
const DEFAULT_ADDRESS = '127.0.0.1:50051';

/** `--address`, the same on every command that talks to a service. */
export function addressOption(): Option {
  return new Option('--address <address>', 'HOST:PORT of the service’s gRPC door')
    .env('SLUICE_ADDRESS')
    .default(DEFAULT_ADDRESS);
}

/** Runs `use` with a client that is closed afterwards, whatever happens. */
export async function withClient<T>(address: string, use: (client: SluiceClient) => Promise<T>): Promise<T> {
  const client = await SluiceClient.connect(address, { maxOutageMs: OUTAGE_MS_MAX });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** DiskService over the use cases. */
import type { DiskServiceHandlers } from '../../wire/gen/sluice/v1/DiskService.js';
import type { Calls } from './calls.js';
import type { DiskUseCases } from './use-cases.js';

export function diskService(disks: DiskUseCases, calls: Calls): DiskServiceHandlers {
  return {
    Attach: calls.local(({ socket, device, tag, map }) => disks.attach({ socket, device, tag, map })),
    List: calls.local(() => Promise.resolve({ disks: disks.list() })),
    Detach: calls.local(async ({ socket }) => {
      await disks.detach(socket);
      return {};
    }),
  };
}

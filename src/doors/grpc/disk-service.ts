/** DiskService over the use cases. */
import type { DiskServiceHandlers } from '../../wire/gen/sluice/v1/DiskService.js';
import { priorityNamesFromWire, priorityNamesToWire } from '../../wire/priority-names.js';
import type { DiskView } from '../../core/model/disk.js';
import type { Disk } from '../../wire/gen/sluice/v1/Disk.js';
import type { Calls } from './calls.js';
import type { DiskUseCases } from './use-cases.js';

export function diskService(disks: DiskUseCases, calls: Calls): DiskServiceHandlers {
  return {
    Attach: calls.local(({ socket, device, tag, map }) =>
      disks.attach({ socket, device, tag, map: priorityNamesFromWire(map) }).then(toWire),
    ),
    List: calls.local(() => Promise.resolve({ disks: disks.list().map(toWire) })),
    Detach: calls.local(async ({ socket }) => {
      await disks.detach(socket);
      return {};
    }),
  };
}

function toWire(disk: DiskView): Disk {
  return { ...disk, map: priorityNamesToWire(disk.map) };
}

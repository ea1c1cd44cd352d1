/** What lists and queries are narrowed by. */
import { ANY_DEVICE } from '../core/model/policy.js';
import { SELF_SEGMENT, checkDeviceName, checkTag } from '../core/model/tag.js';

/**
 * @param device '' = all, or a device's name or `*`
 * @param prefix '' = all, or a tag
 * @throws SluiceError INVALID_ARGUMENT
 */
export function checkFilter(device: string, prefix: string, deviceField = 'device', prefixField = 'tag_prefix'): void {
  if (device !== '' && device !== ANY_DEVICE) checkDeviceName(device, deviceField);
  if (prefix !== '') checkTag(prefix, prefixField);
}

/** As checkFilter; the prefix may be what a row of usage has as its tag. */
export function checkUsageFilter(device: string, prefix: string): void {
  checkFilter(device, '');
  if (prefix !== '') checkUsageTag(prefix, 'tag_prefix');
}

/** A tag, or `acme/.`: what was tagged with the inner node `acme` itself. @throws SluiceError INVALID_ARGUMENT */
export function checkUsageTag(tag: string, field: string): void {
  checkTag(tag.endsWith(`/${SELF_SEGMENT}`) ? tag.slice(0, -2) : tag, field);
}

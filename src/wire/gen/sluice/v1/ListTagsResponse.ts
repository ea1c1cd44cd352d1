// Original file: proto/sluice/v1/usage.proto

import type { TagSummary as _sluice_v1_TagSummary, TagSummary__Output as _sluice_v1_TagSummary__Output } from '../../sluice/v1/TagSummary.js';

export interface ListTagsResponse {
  'tags'?: (_sluice_v1_TagSummary)[];
  'nextPageToken'?: (string);
}

export interface ListTagsResponse__Output {
  'tags': (_sluice_v1_TagSummary__Output)[];
  'nextPageToken': (string);
}

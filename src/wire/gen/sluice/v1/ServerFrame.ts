// Original file: proto/sluice/v1/io.proto

import type { Welcome as _sluice_v1_Welcome, Welcome__Output as _sluice_v1_Welcome__Output } from '../../sluice/v1/Welcome.js';
import type { Opened as _sluice_v1_Opened, Opened__Output as _sluice_v1_Opened__Output } from '../../sluice/v1/Opened.js';
import type { IoReply as _sluice_v1_IoReply, IoReply__Output as _sluice_v1_IoReply__Output } from '../../sluice/v1/IoReply.js';
import type { Granted as _sluice_v1_Granted, Granted__Output as _sluice_v1_Granted__Output } from '../../sluice/v1/Granted.js';
import type { Revoked as _sluice_v1_Revoked, Revoked__Output as _sluice_v1_Revoked__Output } from '../../sluice/v1/Revoked.js';
import type { Credit as _sluice_v1_Credit, Credit__Output as _sluice_v1_Credit__Output } from '../../sluice/v1/Credit.js';
import type { GoAway as _sluice_v1_GoAway, GoAway__Output as _sluice_v1_GoAway__Output } from '../../sluice/v1/GoAway.js';

export interface ServerFrame {
  'welcome'?: (_sluice_v1_Welcome | null);
  'opened'?: (_sluice_v1_Opened)[];
  'replies'?: (_sluice_v1_IoReply)[];
  'granted'?: (_sluice_v1_Granted)[];
  'revoked'?: (_sluice_v1_Revoked)[];
  'credits'?: (_sluice_v1_Credit)[];
  'goAway'?: (_sluice_v1_GoAway | null);
}

export interface ServerFrame__Output {
  'welcome': (_sluice_v1_Welcome__Output | null);
  'opened': (_sluice_v1_Opened__Output)[];
  'replies': (_sluice_v1_IoReply__Output)[];
  'granted': (_sluice_v1_Granted__Output)[];
  'revoked': (_sluice_v1_Revoked__Output)[];
  'credits': (_sluice_v1_Credit__Output)[];
  'goAway': (_sluice_v1_GoAway__Output | null);
}

import { catalog, objectIndex } from './database.ts'
import type { DiskCheck } from './disk-subject.ts'
import { fsync } from './fsync.ts'
import { mount } from './mount.ts'
import { space } from './space.ts'
import { writable } from './writable.ts'

export const diskChecks: readonly DiskCheck[] = [writable, mount, space, fsync, objectIndex, catalog]

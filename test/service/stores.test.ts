import { expect, it } from 'vitest'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { createStores } from '../../src/service/stores/stores.ts'

const store = (name: string) => ({ name }) as StorageDriver

it('finds the store of a record among any number of stores', () => {
  const [one, two, three] = [store('one'), store('two'), store('three')]
  const stores = createStores(one, [two, three])
  expect(stores.current).toBe(one)
  expect(stores.of({ store: 'one' })).toBe(one)
  expect(stores.of({ store: 'three' })).toBe(three)
  expect(stores.has({ store: 'two' })).toBe(true)
})

it('refuses the file of a store that is not open, and does not use another store', () => {
  const stores = createStores(store('one'))
  expect(stores.has({ store: 'two' })).toBe(false)
  expect(() => stores.of({ store: 'two' })).toThrow(/two store, which this server has not opened/)
})

/** The cache of server records, shared by all views. */
import { QueryClient } from '@tanstack/react-query'
import { ApiError } from './api.ts'

const mayPass = (error: Error): boolean => error instanceof ApiError && (error.status === 0 || error.status >= 500)

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (failures, error) => failures < 1 && mayPass(error),
      retryDelay: 600,
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      // The server may run on this computer, so a request needs no network connection.
      networkMode: 'always',
    },
  },
})

// Tests the objects endpoint with two Go SDKs. Reads one JSON document and writes one.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

func run(name string) (any, error) {
	var s spec
	if err := json.NewDecoder(os.Stdin).Decode(&s); err != nil {
		return nil, err
	}
	ctx := context.Background()
	switch name {
	case "presign-aws":
		return presignByAws(ctx, s)
	case "presign-minio":
		return presignByMinio(ctx, s)
	case "drive-aws":
		return driveAws(ctx, s)
	case "drive-minio":
		return driveMinio(ctx, s)
	}
	return nil, fmt.Errorf("no command %q", name)
}

func main() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	result, err := run(name)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

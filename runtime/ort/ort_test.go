package ort

import (
	"context"
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	library, err := Ensure(context.Background(), "", func(s string) { fmt.Fprintln(os.Stderr, s) })
	if err == nil {
		err = Init(library)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

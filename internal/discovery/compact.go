// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"math"
	"slices"
	"time"
)

// compactSample is the stored form of a sample, in 16 bytes, as there may be thousands of keys: only the slowest part
// of the timing, and only the kind of a failure without its message.
type compactSample struct {
	// after is the time in milliseconds since the request of the previous sample began, up to 49 days.
	after uint32
	// latency and slowest are in microseconds, up to 71 minutes.
	latency, slowest uint32
	// status is the HTTP status of a failed request.
	status uint16
	// class is the index of a failure's class, 0 for a success.
	class uint8
	flags uint8
}

// Flags of a compactSample. Without either slow flag, waiting for the response took longest.
const (
	flagWarm uint8 = 1 << iota
	flagSlowToConnect
	flagSlowToTransfer
)

// classes lists the classes by index.
var classes = []Class{
	"", ClassTimeout, ClassUnreachable, ClassUntrusted, ClassWrongName, ClassExpired, ClassRefused, ClassMissing,
	ClassRedirected, ClassServerError, ClassMalformed, ClassOversized, ClassNotSent, ClassOther,
}

func compact(sample Sample) compactSample {
	slowest, _ := sample.Timing.slowestPart()
	kept := compactSample{
		latency: uint32Of(sample.Latency.Microseconds()),
		slowest: uint32Of(slowest.Microseconds()),
		status:  uint16(uint32Of(int64(kindOf(sample).Status))), //nolint:gosec // a status has three digits
	}
	if sample.Err != nil {
		kept.class = indexOf(ClassOf(sample))
	}
	if sample.Timing.Warm {
		kept.flags |= flagWarm
	}
	switch slowest {
	case sample.Timing.Wait:
	case sample.Timing.Connect:
		kept.flags |= flagSlowToConnect
	default:
		kept.flags |= flagSlowToTransfer
	}
	return kept
}

func indexOf(class Class) uint8 {
	index := slices.Index(classes, class)
	if index <= 0 {
		index = slices.Index(classes, ClassOther)
	}
	return uint8(index) //nolint:gosec // there are few
}

// sample restores the sample. For a failure, errorFor supplies the error of its kind.
func (c compactSample) sample(errorFor func(ProbeError) error) Sample {
	slowest := time.Duration(c.slowest) * time.Microsecond
	sample := Sample{Latency: c.duration(), Timing: Timing{Warm: c.isWarm()}}
	switch {
	case c.flags&flagSlowToConnect != 0:
		sample.Timing.Connect = slowest
	case c.flags&flagSlowToTransfer != 0:
		sample.Timing.Transfer = slowest
	default:
		sample.Timing.Wait = slowest
	}
	if c.failed() {
		sample.Err = errorFor(ProbeError{Class: classes[c.class], Status: int(c.status)})
	}
	return sample
}

func (c compactSample) failed() bool { return c.class != 0 }

func (c compactSample) isWarm() bool { return c.flags&flagWarm != 0 }

func (c compactSample) duration() time.Duration { return time.Duration(c.latency) * time.Microsecond }

func (c compactSample) pause() time.Duration { return time.Duration(c.after) * time.Millisecond }

// uint32Of returns number, or the nearest value that fits.
func uint32Of(number int64) uint32 {
	return uint32(min(max(number, 0), math.MaxUint32))
}

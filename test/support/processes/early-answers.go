// Sends each case of standard input with net/http, as a program of somebody else would, and says what it was told.
package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
)

type sent struct {
	Method  string            `json:"method"`
	Url     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Bytes   int               `json:"bytes"`
}

type told struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
}

func send(one sent) told {
	request, err := http.NewRequest(one.Method, one.Url, bytes.NewReader(bytes.Repeat([]byte("x"), one.Bytes)))
	if err != nil {
		return told{0, err.Error()}
	}
	for name, value := range one.Headers {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return told{0, err.Error()}
	}
	defer answer.Body.Close()
	var problem told
	if err := json.NewDecoder(answer.Body).Decode(&problem); err != nil {
		return told{answer.StatusCode, err.Error()}
	}
	return told{answer.StatusCode, problem.Code}
}

func main() {
	var cases []sent
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	answers := []told{}
	for _, one := range cases {
		answers = append(answers, send(one))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}
